"""The layout of the tables is discovered again and again, beside the requests."""

import time
from threading import Thread

from onboarding.identity import Standing
from onboarding.identity.from_tables import LAYOUT_LIFETIME_S
from tests.faults.proxy import Proxy, Verdict, let_pass
from tests.identity.tables import KYSELY, identities_of
from tests.schemas import open_database


def test_while_one_request_discovers_the_layout_again_the_others_go_on(server, migrated):
    now = [0.0]
    _, token = KYSELY.sign_in(migrated)
    with (
        Proxy(server.port) as proxy,
        open_database(
            migrated.engine_url().set(port=proxy.port).update_query_dict({"sslmode": "disable"}),
            pool_size=2,
            read_budget_s=60,
        ) as database,
    ):
        identities = identities_of(database, clock=lambda: now[0])
        identities.identify(token)
        now[0] += LAYOUT_LIFETIME_S
        before = server.log_size()
        proxy.follow(lambda message: Verdict.PASS if message.number else Verdict.STALL)
        discovery = Thread(target=identities.identify, args=(token,), daemon=True)
        discovery.start()
        while not proxy.messages:
            time.sleep(0.01)
        for _ in range(3):
            assert identities.identify(token).standing is Standing.NOT_ONBOARDED
        statements = server.statements("onboarding", after=before)
        assert not any("pg_attribute" in statement for statement in statements)
        proxy.follow(let_pass)
        discovery.join()
