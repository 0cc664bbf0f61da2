/**
 * Asks the onboarding app about a visitor. Copy this file: it needs nothing but `fetch`.
 *
 * In a browser call it as it is; the browser sends the visitor's cookie. On a server pass the visitor's
 * `Cookie` header on, to the app alone.
 */
/** Rejects when there is no answer in time (`TimeoutError`), when aborted, and on any other status. */
export async function getProfile(appUrl, options = {}) {
    const { cookie, known, signal, timeoutMs = 3000 } = options;
    const timeout = AbortSignal.timeout(timeoutMs);
    const headers = new Headers();
    if (cookie)
        headers.set("Cookie", cookie);
    if (known && known.state !== "signed out" && known.etag)
        headers.set("If-None-Match", known.etag);
    const answer = await fetch(new URL("/api/profile", appUrl), {
        headers,
        credentials: "include",
        redirect: "error",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (answer.status === 304 && known)
        return known;
    if (answer.status === 401)
        return { state: "signed out", reason: (await answer.json()).reason };
    if (!answer.ok)
        throw new Error(`the onboarding app answers ${answer.status}`);
    const { user_id: userId, is_onboarded, python_proficiency, developer_role } = await answer.json();
    const etag = answer.headers.get("ETag");
    const answers = python_proficiency && { python_proficiency, developer_role };
    return is_onboarded
        ? { state: "onboarded", etag, userId, answers }
        : { state: "not onboarded", etag, userId, draft: answers };
}
