-- any
SELECT CAST(n.nspname AS text), CAST(c.relname AS text), CAST(a.attname AS text), regexp_replace(format_type(a.atttypid, a.atttypmod), '\(\d+\)', '') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('"user"') AND a.attnum > 0 AND NOT a.attisdropped;

-- any
SELECT CAST(n.nspname AS text), CAST(c.relname AS text), CAST(a.attname AS text), regexp_replace(format_type(a.atttypid, a.atttypmod), '\(\d+\)', '') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('"session"') AND a.attnum > 0 AND NOT a.attisdropped;

-- 1
SELECT bool_and(has_table_privilege(to_regclass('user_profile'), verb)) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS verb;

-- any
SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> '' OR attgenerated <> '' FROM pg_attribute WHERE attrelid = to_regclass('user_profile') AND attnum > 0 AND NOT attisdropped;

-- any
SELECT conname, contype, confdeltype, pg_get_constraintdef(oid), ARRAY( SELECT CAST(attname AS text) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey) ) FROM pg_constraint WHERE conrelid = to_regclass('user_profile') AND convalidated;

-- any
SELECT tgname, tgtype, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = to_regclass('user_profile') AND NOT tgisinternal AND tgenabled IN ('O', 'A');

-- 0
SELECT CAST(public."user".id AS TEXT) AS id, public."user".name, public."user".email, NULL AS anon_1, NULL AS anon__1, NULL AS anon__2, user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at FROM public.session JOIN public."user" ON public."user".id = public.session."userId" LEFT OUTER JOIN user_profile ON user_profile.user_id = public."user".id WHERE public.session.token = ''::VARCHAR AND public.session."expiresAt" >= now();

-- 1
SELECT CAST(public."user".id AS TEXT) AS id, public."user".name, public."user".email, NULL AS anon_1, NULL AS anon__1, NULL AS anon__2, user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at FROM public.session JOIN public."user" ON public."user".id = public.session."userId" LEFT OUTER JOIN user_profile ON user_profile.user_id = public."user".id WHERE public.session.token = :'token'::VARCHAR AND public.session."expiresAt" >= now();

-- 1
INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded) VALUES (:'user_id', 'Advanced'::VARCHAR, 'None'::VARCHAR, 'f') ON CONFLICT DO NOTHING RETURNING user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at;

-- 1
UPDATE user_profile SET python_proficiency='Beginner'::VARCHAR, developer_role='Full Stack Developer'::VARCHAR, is_onboarded='f', updated_at=timezone('utc'::VARCHAR, now()) WHERE user_profile.user_id = :'user_id' AND user_profile.is_onboarded IS NOT true AND user_profile.python_proficiency = 'Advanced'::VARCHAR AND user_profile.developer_role = 'None'::VARCHAR AND user_profile.updated_at = :'updated_at'::TIMESTAMP WITHOUT TIME ZONE RETURNING user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at;

-- 1
INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded) VALUES (:'user_id', 'Intermediate'::VARCHAR, 'Full Stack Developer'::VARCHAR, 'f') ON CONFLICT (user_id) DO UPDATE SET python_proficiency = 'Intermediate'::VARCHAR, developer_role = 'Full Stack Developer'::VARCHAR, is_onboarded = 'f', updated_at = timezone('utc'::VARCHAR, now()) WHERE user_profile.is_onboarded IS NOT true RETURNING user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at;

-- 1
INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded) VALUES (:'user_id', 'Intermediate'::VARCHAR, 'None'::VARCHAR, 't') ON CONFLICT (user_id) DO UPDATE SET python_proficiency = 'Intermediate'::VARCHAR, developer_role = 'None'::VARCHAR, is_onboarded = 't', updated_at = timezone('utc'::VARCHAR, now()) WHERE user_profile.is_onboarded IS NOT true RETURNING user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at;

-- 0
INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded) VALUES (:'user_id', 'Beginner'::VARCHAR, 'Full Stack Developer'::VARCHAR, 'f') ON CONFLICT (user_id) DO UPDATE SET python_proficiency = 'Beginner'::VARCHAR, developer_role = 'Full Stack Developer'::VARCHAR, is_onboarded = 'f', updated_at = timezone('utc'::VARCHAR, now()) WHERE user_profile.is_onboarded IS NOT true RETURNING user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at;

-- 1
SELECT user_profile.python_proficiency, user_profile.developer_role, user_profile.is_onboarded, user_profile.created_at, user_profile.updated_at FROM user_profile WHERE user_profile.user_id = :'user_id';
