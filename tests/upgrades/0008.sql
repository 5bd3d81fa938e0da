SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA bronze;
CREATE SCHEMA gold;
CREATE SCHEMA ops;
CREATE SCHEMA silver;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE bronze.attachments (
    sha2 text NOT NULL,
    content bytea NOT NULL,
    stored_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN bronze.attachments.sha2 IS 'SHA-2 of the content, lower-case hex';
CREATE TABLE bronze.statements_raw (
    seq bigint NOT NULL,
    id uuid NOT NULL,
    payload json NOT NULL,
    content_hash bytea NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    xapi_version text NOT NULL,
    credential_id text NOT NULL,
    flattened_at timestamp with time zone,
    flatten_error text,
    voided_by uuid,
    defines boolean DEFAULT true NOT NULL
);
COMMENT ON COLUMN bronze.statements_raw.seq IS 'order of storing';
COMMENT ON COLUMN bronze.statements_raw.id IS 'statement id, the sender''s or ours';
COMMENT ON COLUMN bronze.statements_raw.payload IS 'the text as sent, number by number';
COMMENT ON COLUMN bronze.statements_raw.content_hash IS 'of the text: equal ones are exact repeats, others have to be compared';
COMMENT ON COLUMN bronze.statements_raw.stored_at IS 'when the door accepted it';
COMMENT ON COLUMN bronze.statements_raw.credential_id IS 'fingerprint of the sender''s public key';
COMMENT ON COLUMN bronze.statements_raw.flattened_at IS 'the mark that drives the sweep';
COMMENT ON COLUMN bronze.statements_raw.flatten_error IS 'why it cannot be flattened';
COMMENT ON COLUMN bronze.statements_raw.voided_by IS 'the statement that voids this one';
COMMENT ON COLUMN bronze.statements_raw.defines IS 'whether its sender may define activities and verbs';
ALTER TABLE bronze.statements_raw ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME bronze.statements_raw_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gold.lesson_progress (
    learner_id uuid NOT NULL,
    lesson_id uuid NOT NULL,
    started_at timestamp with time zone,
    last_at timestamp with time zone,
    completed_at timestamp with time zone,
    statement_count integer DEFAULT 0 NOT NULL,
    best_score_scaled double precision
);
COMMENT ON COLUMN gold.lesson_progress.started_at IS 'first statement';
COMMENT ON COLUMN gold.lesson_progress.last_at IS 'latest statement';
COMMENT ON COLUMN gold.lesson_progress.completed_at IS 'first completion; NULL: not completed';
COMMENT ON COLUMN gold.lesson_progress.best_score_scaled IS 'of the lesson itself, -1 to 1';
CREATE TABLE ops.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    target text NOT NULL,
    detail jsonb NOT NULL
);
COMMENT ON COLUMN ops.audit_log.id IS 'order of writing';
COMMENT ON COLUMN ops.audit_log.actor IS 'on whose authority: admin token, command line';
COMMENT ON COLUMN ops.audit_log.act IS 'noun.verb, such as dead_letter.replay';
COMMENT ON COLUMN ops.audit_log.target IS 'noun:id, such as dead_letter:7c3e…';
COMMENT ON COLUMN ops.audit_log.detail IS 'what came of it; no personal data, no bodies';
ALTER TABLE ops.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ops.dead_letters (
    id uuid NOT NULL,
    source text NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    path text,
    problems jsonb NOT NULL,
    body bytea NOT NULL,
    content_type text,
    credential_id text,
    request_id text,
    statement_id uuid,
    seen_count integer DEFAULT 1 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    xapi_version text,
    statement_ids uuid[],
    resolved_at timestamp with time zone,
    resolved_by text,
    resolution text
);
COMMENT ON COLUMN ops.dead_letters.id IS 'stable_id of source, reason code and body: repeats meet';
COMMENT ON COLUMN ops.dead_letters.source IS 'where it was turned away: door, stream, loader, sweep';
COMMENT ON COLUMN ops.dead_letters.code IS 'stable code of the reason: unreadable, conflict, failed';
COMMENT ON COLUMN ops.dead_letters.reason IS 'a sentence';
COMMENT ON COLUMN ops.dead_letters.path IS 'property path of the first problem';
COMMENT ON COLUMN ops.dead_letters.problems IS 'every problem: path, message, expected';
COMMENT ON COLUMN ops.dead_letters.body IS 'the bytes as sent';
COMMENT ON COLUMN ops.dead_letters.request_id IS 'of the last time it was seen';
COMMENT ON COLUMN ops.dead_letters.attempts IS 'how often loading it was tried';
COMMENT ON COLUMN ops.dead_letters.status IS 'open, replayed, discarded';
COMMENT ON COLUMN ops.dead_letters.xapi_version IS 'the edition it was sent under; NULL: not known';
COMMENT ON COLUMN ops.dead_letters.statement_ids IS 'ids of its statements in the order of the body, once the sender was told or they are stored';
COMMENT ON COLUMN ops.dead_letters.resolved_at IS 'when it was replayed or discarded';
COMMENT ON COLUMN ops.dead_letters.resolved_by IS 'on whose authority, see audit_log.actor';
COMMENT ON COLUMN ops.dead_letters.resolution IS 'why it was discarded, in the words of who did it';
CREATE TABLE ops.imports (
    id uuid NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    rows_total integer NOT NULL,
    rows_done integer DEFAULT 0 NOT NULL,
    outcome text,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    started_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone
);
COMMENT ON COLUMN ops.imports.kind IS 'roster, responses';
COMMENT ON COLUMN ops.imports.actor IS 'on whose authority: admin token, command line';
COMMENT ON COLUMN ops.imports.outcome IS 'done, failed; NULL while it runs or after a crash';
COMMENT ON COLUMN ops.imports.counts IS 'rows by verdict; no personal data';
COMMENT ON COLUMN ops.imports.updated_at IS 'of the last step; old without outcome: it was cut off';
CREATE TABLE ops.job_runs (
    job text NOT NULL,
    period timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    detail jsonb
);
COMMENT ON COLUMN ops.job_runs.period IS 'start of the period it stands for';
COMMENT ON COLUMN ops.job_runs.outcome IS 'done, failed; NULL while it runs or after a crash';
CREATE TABLE ops.task_status (
    name text NOT NULL,
    status text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    started_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN ops.task_status.name IS 'noun.verb, such as reminders.send';
COMMENT ON COLUMN ops.task_status.status IS 'running, done, failed';
COMMENT ON COLUMN ops.task_status.detail IS 'figures of the run, its progress while it runs; nothing personal';
COMMENT ON COLUMN ops.task_status.started_at IS 'of this run';
CREATE TABLE public.activity_profile_documents (
    key uuid NOT NULL,
    owner uuid NOT NULL,
    activity_iri text NOT NULL,
    document_id text NOT NULL,
    content bytea NOT NULL,
    content_type text NOT NULL,
    etag text NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.activity_profile_documents.key IS 'stable_id of all that names the document';
COMMENT ON COLUMN public.activity_profile_documents.owner IS 'stable_id of what the document belongs to, without registration';
COMMENT ON COLUMN public.activity_profile_documents.document_id IS 'stateId or profileId, the sender''s';
COMMENT ON COLUMN public.activity_profile_documents.content_type IS 'the header Content-Type it came with';
COMMENT ON COLUMN public.activity_profile_documents.etag IS 'SHA-1 of the content, lower-case hex';
CREATE TABLE public.agent_profile_documents (
    key uuid NOT NULL,
    owner uuid NOT NULL,
    agent text NOT NULL,
    document_id text NOT NULL,
    content bytea NOT NULL,
    content_type text NOT NULL,
    etag text NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.agent_profile_documents.key IS 'stable_id of all that names the document';
COMMENT ON COLUMN public.agent_profile_documents.owner IS 'stable_id of what the document belongs to, without registration';
COMMENT ON COLUMN public.agent_profile_documents.agent IS 'lrs.identity.agent_identity, for reading';
COMMENT ON COLUMN public.agent_profile_documents.document_id IS 'stateId or profileId, the sender''s';
COMMENT ON COLUMN public.agent_profile_documents.content_type IS 'the header Content-Type it came with';
COMMENT ON COLUMN public.agent_profile_documents.etag IS 'SHA-1 of the content, lower-case hex';
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.avatar_claims (
    handle text NOT NULL,
    user_id uuid NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON COLUMN public.avatar_claims.handle IS 'as written; unique without regard to case';
CREATE TABLE public.cohort_lessons (
    cohort_id uuid NOT NULL,
    lesson_id uuid NOT NULL,
    "position" integer NOT NULL,
    due_on date,
    due_after_days integer
);
COMMENT ON COLUMN public.cohort_lessons."position" IS '1 for the first lesson';
COMMENT ON COLUMN public.cohort_lessons.due_on IS 'a day in the learner''s own time zone';
COMMENT ON COLUMN public.cohort_lessons.due_after_days IS 'days after cohorts.starts_on; due_on is written from it, so readers need only that';
CREATE TABLE public.cohort_members (
    cohort_id uuid NOT NULL,
    user_id uuid NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.cohorts (
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    starts_on date,
    reminder_hour smallint DEFAULT 9 NOT NULL,
    CONSTRAINT ck_cohorts_reminder_hour CHECK (((reminder_hour >= 0) AND (reminder_hour <= 23)))
);
COMMENT ON COLUMN public.cohorts.slug IS 'its name in addresses';
COMMENT ON COLUMN public.cohorts.time_zone IS 'IANA name';
COMMENT ON COLUMN public.cohorts.starts_on IS 'day 0 of cohort_lessons.due_after_days';
COMMENT ON COLUMN public.cohorts.reminder_hour IS '0 to 23, in the learner''s own time zone';
CREATE TABLE public.credentials (
    id text NOT NULL,
    name text NOT NULL,
    public_key text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone
);
COMMENT ON COLUMN public.credentials.id IS 'fingerprint: SHA-256 of the public key, hex';
COMMENT ON COLUMN public.credentials.public_key IS 'body on one line';
CREATE TABLE public.lessons (
    id uuid NOT NULL,
    activity_id text NOT NULL,
    title text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    link text
);
COMMENT ON COLUMN public.lessons.id IS 'stable_id(''activity'', activity_id)';
COMMENT ON COLUMN public.lessons.activity_id IS 'the IRI that statements name';
COMMENT ON COLUMN public.lessons.link IS 'where learners open it; NULL: its activity_id, if a URL';
CREATE TABLE public.notifications (
    id uuid NOT NULL,
    learner_id uuid NOT NULL,
    local_day date NOT NULL,
    time_zone text NOT NULL,
    cohort_id uuid,
    lessons integer NOT NULL,
    status text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    retry_at timestamp with time zone,
    sent_at timestamp with time zone,
    message_id text,
    answer text
);
COMMENT ON COLUMN public.notifications.id IS 'stable_id(''reminder'', learner and day)';
COMMENT ON COLUMN public.notifications.local_day IS 'the day in the learner''s own time zone';
COMMENT ON COLUMN public.notifications.time_zone IS 'IANA name, the one the day was told by';
COMMENT ON COLUMN public.notifications.cohort_id IS 'cohorts.id of the next lesson: whose template it was';
COMMENT ON COLUMN public.notifications.lessons IS 'how many were left';
COMMENT ON COLUMN public.notifications.status IS 'sending, sent, waiting (for retry_at), bounced, failed, unknown; see docs/reminders.md';
COMMENT ON COLUMN public.notifications.claimed_at IS 'when the last attempt began';
COMMENT ON COLUMN public.notifications.retry_at IS 'of waiting ones';
COMMENT ON COLUMN public.notifications.sent_at IS 'when the mail server took it';
COMMENT ON COLUMN public.notifications.answer IS 'the mail server''s last words, or what went wrong';
CREATE TABLE public.reminder_stops (
    learner_id uuid NOT NULL,
    unsubscribed_at timestamp with time zone,
    bounced_at timestamp with time zone,
    bounced_address_hash bytea,
    resumed_at timestamp with time zone
);
COMMENT ON COLUMN public.reminder_stops.unsubscribed_at IS 'the learner said so';
COMMENT ON COLUMN public.reminder_stops.bounced_at IS 'the mail server refused the address for good';
COMMENT ON COLUMN public.reminder_stops.bounced_address_hash IS 'SHA-256 of that address; another one of the same learner is mailed';
COMMENT ON COLUMN public.reminder_stops.resumed_at IS 'an admin said so; unanswered reminders are counted from then';
CREATE TABLE public.reminder_templates (
    cohort_id uuid NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.reminder_templates.subject IS 'Jinja2, one line';
COMMENT ON COLUMN public.reminder_templates.text IS 'Jinja2, plain text';
COMMENT ON COLUMN public.reminder_templates.html IS 'Jinja2, escaped by itself';
CREATE TABLE public.state_documents (
    key uuid NOT NULL,
    owner uuid NOT NULL,
    activity_iri text NOT NULL,
    agent text NOT NULL,
    registration uuid,
    document_id text NOT NULL,
    content bytea NOT NULL,
    content_type text NOT NULL,
    etag text NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.state_documents.key IS 'stable_id of all that names the document';
COMMENT ON COLUMN public.state_documents.owner IS 'stable_id of what the document belongs to, without registration';
COMMENT ON COLUMN public.state_documents.agent IS 'lrs.identity.agent_identity, for reading';
COMMENT ON COLUMN public.state_documents.document_id IS 'stateId or profileId, the sender''s';
COMMENT ON COLUMN public.state_documents.content_type IS 'the header Content-Type it came with';
COMMENT ON COLUMN public.state_documents.etag IS 'SHA-1 of the content, lower-case hex';
CREATE TABLE public.user_identifiers (
    key uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON COLUMN public.user_identifiers.key IS 'stable_id(kind, value)';
COMMENT ON COLUMN public.user_identifiers.kind IS 'mbox, mbox_sha1sum, openid, account, phone';
COMMENT ON COLUMN public.user_identifiers.value IS 'normalised: mbox in lower case, phone as E.164';
CREATE TABLE public.users (
    id uuid NOT NULL,
    name text,
    email text,
    phone text,
    avatar text,
    time_zone text,
    language text,
    source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL
);
COMMENT ON COLUMN public.users.email IS 'lower case';
COMMENT ON COLUMN public.users.phone IS 'E.164, +15551234567';
COMMENT ON COLUMN public.users.avatar IS 'public handle, unique without regard to case';
COMMENT ON COLUMN public.users.time_zone IS 'IANA name; unknown means the cohort''s';
COMMENT ON COLUMN public.users.language IS 'RFC 5646 tag';
COMMENT ON COLUMN public.users.source IS 'who recognised them first: statement, roster, signup';
COMMENT ON COLUMN public.users.attributes IS 'further columns of rosters, by their heading; reports filter by them';
CREATE TABLE silver.activities (
    key uuid NOT NULL,
    iri text NOT NULL,
    definition json NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN silver.activities.key IS 'stable_id(''activity'', iri)';
COMMENT ON COLUMN silver.activities.definition IS 'canonical, merged from statements';
CREATE TABLE silver.statement_links (
    key uuid NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    seq bigint NOT NULL
);
COMMENT ON COLUMN silver.statement_links.key IS 'stable_id(kind, value), see lrs.filters';
COMMENT ON COLUMN silver.statement_links.seq IS 'statements_raw.seq';
CREATE TABLE silver.statement_refs (
    statement_id uuid NOT NULL,
    target_id uuid NOT NULL,
    voids boolean NOT NULL,
    resolved_at timestamp with time zone
);
COMMENT ON COLUMN silver.statement_refs.statement_id IS 'the statement that refers';
COMMENT ON COLUMN silver.statement_refs.target_id IS 'the statement it refers to, here already or not';
COMMENT ON COLUMN silver.statement_refs.voids IS 'its verb is voided';
COMMENT ON COLUMN silver.statement_refs.resolved_at IS 'when its target was found';
CREATE TABLE silver.statements_flat (
    statement_id uuid NOT NULL,
    learner_id uuid,
    actor_key text NOT NULL,
    actor_email text,
    actor_name text,
    verb_id text NOT NULL,
    verb text NOT NULL,
    object_id text NOT NULL,
    object_type text NOT NULL,
    object_name text,
    activity_type text,
    interaction_type text,
    lesson_id uuid,
    completes_lesson boolean NOT NULL,
    success boolean,
    completion boolean,
    score_scaled double precision,
    score_raw double precision,
    score_min double precision,
    score_max double precision,
    response text,
    duration_s double precision,
    registration uuid,
    parent_id text,
    grouping_id text,
    platform text,
    language text,
    card_type text,
    occurred_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    question_id uuid,
    choice text
);
COMMENT ON COLUMN silver.statements_flat.learner_id IS 'users.id; unknown for groups';
COMMENT ON COLUMN silver.statements_flat.actor_key IS 'the identifier as sent, mbox in lower case';
COMMENT ON COLUMN silver.statements_flat.verb IS 'last part of verb_id, for reading';
COMMENT ON COLUMN silver.statements_flat.object_type IS 'Activity, Agent, Group, StatementRef, SubStatement';
COMMENT ON COLUMN silver.statements_flat.lesson_id IS 'lessons.id: the object, or the lesson it is part of';
COMMENT ON COLUMN silver.statements_flat.completes_lesson IS 'completed or passed, and of the lesson itself';
COMMENT ON COLUMN silver.statements_flat.duration_s IS 'seconds';
COMMENT ON COLUMN silver.statements_flat.card_type IS 'poll, quiz, form, rating … as 7taps says it';
COMMENT ON COLUMN silver.statements_flat.occurred_at IS 'the sender''s timestamp, else stored_at';
COMMENT ON COLUMN silver.statements_flat.question_id IS 'activities.key of the object, if it was answered';
COMMENT ON COLUMN silver.statements_flat.choice IS 'the response to it, if short enough to be counted';
CREATE TABLE silver.verbs (
    key uuid NOT NULL,
    iri text NOT NULL,
    display json NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN silver.verbs.key IS 'stable_id(''verb'', iri)';
COMMENT ON COLUMN silver.verbs.display IS 'canonical, merged from statements';
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (10, '0832d508-2291-5516-9789-9e038515134e', '{"id":"0832d508-2291-5516-9789-9e038515134e","actor":{"mbox":"mailto:learner0@example.org","name":"Lerner „0“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/answered"},"object":{"id":"https://app.7taps.com/lessons/1#card-3","definition":{"type":"http://adlnet.gov/expapi/activities/cmi.interaction","interactionType":"choice","choices":[{"id":"a","description":{"en":"Oat"}},{"id":"b","description":{"en":"Whole"}}],"correctResponsesPattern":["b"]}},"timestamp":"2026-03-11T08:00:00Z","result":{"response":"a","success":false}}', '\xb956d1f547cefe253395862e20f74bfc', '2026-11-21 15:39:51.683009+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (6, '1b3a339d-3ead-5bca-b11b-e66b6ba65d5a', '{"id":"1b3a339d-3ead-5bca-b11b-e66b6ba65d5a","actor":{"mbox":"mailto:learner1@example.org","name":"Lerner „1“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/2","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-06T08:00:00Z"}', '\x0290b70acfae3e6cacd0ee875f35ae2a', '2026-11-21 15:39:51.683005+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (15, '1dae7515-0d6d-53e7-a3b6-e10556ff5d80', '{"id":"1dae7515-0d6d-53e7-a3b6-e10556ff5d80","actor":{"mbox":"mailto:learner2@example.org","name":"Lerner „2“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/commented"},"object":{"objectType":"StatementRef","id":"821bbfac-0e1c-52dd-bec8-88a00695491a"},"timestamp":"2026-03-22T08:00:00Z"}', '\xfffdb615e9caed88804cdd947283c8cd', '2026-11-21 15:39:51.683014+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (8, '22150249-3691-590e-9362-d5e27a9e8565', '{"id":"22150249-3691-590e-9362-d5e27a9e8565","actor":{"mbox":"mailto:learner3@example.org","name":"Lerner „3“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/1","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-08T08:00:00Z"}', '\x7f9b6d86006a68723de77fce32091bd5', '2026-11-21 15:39:51.683007+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (12, '2560f8f8-60e1-5c73-be13-b0f06d9cabf2', '{"id":"2560f8f8-60e1-5c73-be13-b0f06d9cabf2","actor":{"mbox":"mailto:learner2@example.org","name":"Lerner „2“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/answered"},"object":{"id":"https://app.7taps.com/lessons/1#card-3","definition":{"type":"http://adlnet.gov/expapi/activities/cmi.interaction","interactionType":"choice","choices":[{"id":"a","description":{"en":"Oat"}},{"id":"b","description":{"en":"Whole"}}],"correctResponsesPattern":["b"]}},"timestamp":"2026-03-13T08:00:00Z","result":{"response":"a","success":false}}', '\xac85193ed8b7858e6970626af26d6b72', '2026-11-21 15:39:51.683011+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (13, '3d0b0391-5d02-52cb-8737-959aabfe6f34', '{"id":"3d0b0391-5d02-52cb-8737-959aabfe6f34","actor":{"mbox":"mailto:learner3@example.org","name":"Lerner „3“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/answered"},"object":{"id":"https://app.7taps.com/lessons/1#card-3","definition":{"type":"http://adlnet.gov/expapi/activities/cmi.interaction","interactionType":"choice","choices":[{"id":"a","description":{"en":"Oat"}},{"id":"b","description":{"en":"Whole"}}],"correctResponsesPattern":["b"]}},"timestamp":"2026-03-14T08:00:00Z","result":{"response":"b","success":true}}', '\xbc977f9f72aeb1912690d2626c90521f', '2026-11-21 15:39:51.683012+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (3, '3eda543e-77c6-5418-93cf-87350fc5d63a', '{"id":"3eda543e-77c6-5418-93cf-87350fc5d63a","actor":{"mbox":"mailto:learner2@example.org","name":"Lerner „2“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/2","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-03T08:00:00Z"}', '\x89e0608affdf9c99a266d65545b9ddca', '2026-11-21 15:39:51.683002+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (5, '45a141cc-730e-51b1-b98f-33bc77295a44', '{"id":"45a141cc-730e-51b1-b98f-33bc77295a44","actor":{"mbox":"mailto:learner0@example.org","name":"Lerner „0“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/1","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-05T08:00:00Z"}', '\xa101d31751447c1548e645d1341daf1a', '2026-11-21 15:39:51.683004+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (11, '6e549939-bcb3-59d0-a758-051c456046ee', '{"id":"6e549939-bcb3-59d0-a758-051c456046ee","actor":{"mbox":"mailto:learner1@example.org","name":"Lerner „1“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/answered"},"object":{"id":"https://app.7taps.com/lessons/1#card-3","definition":{"type":"http://adlnet.gov/expapi/activities/cmi.interaction","interactionType":"choice","choices":[{"id":"a","description":{"en":"Oat"}},{"id":"b","description":{"en":"Whole"}}],"correctResponsesPattern":["b"]}},"timestamp":"2026-03-12T08:00:00Z","result":{"response":"b","success":true}}', '\x3873d59cb312b60de4fad56c60d640f6', '2026-11-21 15:39:51.68301+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (16, '6e97e9b7-8498-5ddc-ac13-974b58d12e64', '{"id":"6e97e9b7-8498-5ddc-ac13-974b58d12e64","actor":{"mbox":"mailto:learner3@example.org","name":"Lerner „3“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/1","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-23T08:00:00Z","result":{"score":{"scaled":0.5,"raw":5,"min":0,"max":10},"duration":"PT1M30.5S","response":"naïve\n''quoted''"},"context":{"platform":"7taps","language":"de"}}', '\x0c2e1df619d5414392d7d8a48c8f5876', '2026-11-21 15:39:51.683015+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (4, '75a754a6-fdd9-5ee6-812a-5c031885f6eb', '{"id":"75a754a6-fdd9-5ee6-812a-5c031885f6eb","actor":{"mbox":"mailto:learner3@example.org","name":"Lerner „3“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/0","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-04T08:00:00Z"}', '\x374223f74b4f97386f913491ce177532', '2026-11-21 15:39:51.683003+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (2, '821bbfac-0e1c-52dd-bec8-88a00695491a', '{"id":"821bbfac-0e1c-52dd-bec8-88a00695491a","actor":{"mbox":"mailto:learner1@example.org","name":"Lerner „1“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/1","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-02T08:00:00Z"}', '\xe2326cbd99c4ba3f8240ee620f6f5c70', '2026-11-21 15:39:51.683001+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (14, 'bc33955a-40b6-5bbb-a15c-4060cb2f77c8', '{"id":"bc33955a-40b6-5bbb-a15c-4060cb2f77c8","actor":{"mbox":"mailto:learner1@example.org","name":"Lerner „1“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/voided"},"object":{"objectType":"StatementRef","id":"35030fc9-dde2-594d-81ac-d839ece1dc9c"},"timestamp":"2026-03-21T08:00:00Z"}', '\x97bd0aa3950904dc9cc1012420f1dfa5', '2026-11-21 15:39:51.683013+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (9, 'ccb3869a-1155-5198-828e-0ee2bc5ed0d7', '{"id":"ccb3869a-1155-5198-828e-0ee2bc5ed0d7","actor":{"mbox":"mailto:learner0@example.org","name":"Lerner „0“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/2","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-09T08:00:00Z"}', '\x4eb63f7e903720af9424415ab838ca9e', '2026-11-21 15:39:51.683008+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (7, 'dd55c384-44b6-580c-9ec6-4850b600c9bd', '{"id":"dd55c384-44b6-580c-9ec6-4850b600c9bd","actor":{"mbox":"mailto:learner2@example.org","name":"Lerner „2“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/0","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-07T08:00:00Z"}', '\x85ecb90d0aaece259c35903ba9e5022a', '2026-11-21 15:39:51.683006+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, NULL, true);
INSERT INTO bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, flattened_at, flatten_error, voided_by, defines) OVERRIDING SYSTEM VALUE VALUES (1, '35030fc9-dde2-594d-81ac-d839ece1dc9c', '{"id":"35030fc9-dde2-594d-81ac-d839ece1dc9c","actor":{"mbox":"mailto:learner0@example.org","name":"Lerner „0“"},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://app.7taps.com/lessons/0","definition":{"name":{"en":"Milk"}}},"timestamp":"2026-03-01T08:00:00Z"}', '\xab642e2b64e86f7be81604e0ab7a6726', '2026-11-21 15:39:51.683+00', '1.0.3', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '2026-11-21 15:39:51.692662+00', NULL, 'bc33955a-40b6-5bbb-a15c-4060cb2f77c8', true);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('91760856-1e57-44ed-898e-ea612f9543d4', '96b0bdab-ceba-58f7-a97d-e6af2bfebb92', '2026-03-06 08:00:00+00', '2026-03-06 08:00:00+00', '2026-03-06 08:00:00+00', 1, NULL);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('050f428d-eca2-409e-8a1d-81720eb79846', '96b0bdab-ceba-58f7-a97d-e6af2bfebb92', '2026-03-09 08:00:00+00', '2026-03-09 08:00:00+00', '2026-03-09 08:00:00+00', 1, NULL);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', '2026-03-07 08:00:00+00', '2026-03-07 08:00:00+00', '2026-03-07 08:00:00+00', 1, NULL);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('91760856-1e57-44ed-898e-ea612f9543d4', '9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-03-02 08:00:00+00', '2026-03-02 08:00:00+00', '2026-03-02 08:00:00+00', 1, NULL);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', '96b0bdab-ceba-58f7-a97d-e6af2bfebb92', '2026-03-03 08:00:00+00', '2026-03-03 08:00:00+00', '2026-03-03 08:00:00+00', 1, NULL);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('659d82d2-f668-46e9-8dc3-57647e693b66', '9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-03-08 08:00:00+00', '2026-03-23 08:00:00+00', '2026-03-08 08:00:00+00', 2, 0.5);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('050f428d-eca2-409e-8a1d-81720eb79846', '9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-03-05 08:00:00+00', '2026-03-05 08:00:00+00', '2026-03-05 08:00:00+00', 1, NULL);
INSERT INTO gold.lesson_progress (learner_id, lesson_id, started_at, last_at, completed_at, statement_count, best_score_scaled) VALUES ('659d82d2-f668-46e9-8dc3-57647e693b66', 'a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', '2026-03-04 08:00:00+00', '2026-03-04 08:00:00+00', '2026-03-04 08:00:00+00', 1, NULL);
INSERT INTO ops.dead_letters (id, source, code, reason, path, problems, body, content_type, credential_id, request_id, statement_id, seen_count, attempts, status, first_seen_at, last_seen_at, xapi_version, statement_ids, resolved_at, resolved_by, resolution) VALUES ('bd3b9dda-9d3d-594a-86be-15a610b4747c', 'door', 'invalid_statement', 'no is not a property of a Statement. And 3 more.', 'no', '[{"path": "no", "message": "is not a property of a Statement", "expected": "Only \"actor\", \"attachments\", \"authority\", \"context\", \"id\", \"object\", \"result\", \"stored\", \"timestamp\", \"verb\", \"version\""}, {"path": "actor", "message": "is missing", "expected": "An Agent or a Group, such as {\"mbox\": \"mailto:ann@example.com\"}"}, {"path": "verb", "message": "is missing", "expected": "An object, such as {\"id\": \"http://adlnet.gov/expapi/verbs/answered\"}"}, {"path": "object", "message": "is missing", "expected": "An Activity, such as {\"id\": \"https://example.com/lessons/7\"}"}]', '\x7b226e6f223a317d', 'application/json', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', '1718f5e571b18813', '35030fc9-dde2-594d-81ac-d839ece1dc9c', 1, 0, 'open', '2026-11-21 15:39:51.720115+00', '2026-11-21 15:39:51.720115+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO ops.dead_letters (id, source, code, reason, path, problems, body, content_type, credential_id, request_id, statement_id, seen_count, attempts, status, first_seen_at, last_seen_at, xapi_version, statement_ids, resolved_at, resolved_by, resolution) VALUES ('eac66d1f-9386-53d2-9565-b800c7d2505e', 'door', 'invalid_statement', 'id is 75a754a6-fdd9-5ee6-812a-5c031885f6eb, not the statementId of the request.', 'id', '[{"path": "id", "message": "is 75a754a6-fdd9-5ee6-812a-5c031885f6eb, not the statementId of the request.", "expected": "35030fc9-dde2-594d-81ac-d839ece1dc9c, or no id."}]', '\x7b226964223a2237356137353461362d666464392d356565362d383132612d356330333138383566366562222c226163746f72223a7b226d626f78223a226d61696c746f3a6c6561726e657233406578616d706c652e6f7267222c226e616d65223a224c65726e657220e2809e33e2809c227d2c2276657262223a7b226964223a22687474703a2f2f61646c6e65742e676f762f6578706170692f76657262732f636f6d706c65746564227d2c226f626a656374223a7b226964223a2268747470733a2f2f6170702e37746170732e636f6d2f6c6573736f6e732f30222c22646566696e6974696f6e223a7b226e616d65223a7b22656e223a224d696c6b227d7d7d2c2274696d657374616d70223a22323032362d30332d30345430383a30303a30305a227d', 'application/json', 'f58ff09386747fef7bc22a88771d46290bf1b8c6e01184c5668f4c192176d278', 'f8505cc7236dc91b', '35030fc9-dde2-594d-81ac-d839ece1dc9c', 1, 0, 'open', '2026-11-21 15:39:51.739762+00', '2026-11-21 15:39:51.739762+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO ops.job_runs (job, period, started_at, finished_at, outcome, detail) VALUES ('statements.reconcile', '2026-11-21 15:39:00+00', '2026-11-21 15:39:49.984332+00', '2026-11-21 15:39:50.034965+00', 'done', '{"new": 0, "buried": 0, "repeated": 0}');
INSERT INTO public.alembic_version (version_num) VALUES ('0008');
INSERT INTO public.avatar_claims (handle, user_id, claimed_at) VALUES ('annie', '91760856-1e57-44ed-898e-ea612f9543d4', '2026-11-21 15:39:51.621916+00');
INSERT INTO public.cohort_members (cohort_id, user_id, joined_at) VALUES ('f275dc09-3f91-412b-bd5a-61a73cbf2b0e', '91760856-1e57-44ed-898e-ea612f9543d4', '2026-11-21 15:39:51.621916+00');
INSERT INTO public.cohorts (id, slug, name, time_zone, created_at, starts_on, reminder_hour) VALUES ('f275dc09-3f91-412b-bd5a-61a73cbf2b0e', 'spring', 'Frühling', 'Europe/Lisbon', '2026-11-21 15:39:51.583185+00', NULL, 9);
INSERT INTO public.lessons (id, activity_id, title, created_at, link) VALUES ('96b0bdab-ceba-58f7-a97d-e6af2bfebb92', 'https://app.7taps.com/lessons/2', 'Milk', '2026-11-21 15:39:51.692515+00', NULL);
INSERT INTO public.lessons (id, activity_id, title, created_at, link) VALUES ('9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', 'https://app.7taps.com/lessons/1', 'Milk', '2026-11-21 15:39:51.692515+00', NULL);
INSERT INTO public.lessons (id, activity_id, title, created_at, link) VALUES ('a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', 'https://app.7taps.com/lessons/0', 'Milk', '2026-11-21 15:39:51.692515+00', NULL);
INSERT INTO public.state_documents (key, owner, activity_iri, agent, registration, document_id, content, content_type, etag, updated_at) VALUES ('9dea2447-2c49-575a-93ca-5ec6345bb08f', 'ad18dede-257f-574a-91e2-cb32593ead52', 'https://a.example', 'mbox mailto:learner1@example.org', NULL, 's', '\x7b226174223a337d', 'application/json', 'b6d5e4263d675197d2ea3590af85274d4ea8780c', '2026-11-21 15:39:51.767849+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('9800ce23-1540-56d8-9a7a-559399e3e6f2', '91760856-1e57-44ed-898e-ea612f9543d4', 'mbox', 'mailto:learner1@example.org', '2026-11-21 15:39:51.621916+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('866f2ccb-dbcd-5934-8fd2-13ceaeda0ab0', '91760856-1e57-44ed-898e-ea612f9543d4', 'mbox_sha1sum', 'f276f0634f58a7cb492e203ef0a5931bd56b0c52', '2026-11-21 15:39:51.621916+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('7f586776-0934-5612-815b-b428da97bb55', '050f428d-eca2-409e-8a1d-81720eb79846', 'mbox', 'mailto:learner0@example.org', '2026-11-21 15:39:51.692515+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('15711f40-b22d-5c14-85c5-6a02431738a8', '050f428d-eca2-409e-8a1d-81720eb79846', 'mbox_sha1sum', '49c204f89e1fec59a3f801cea13ce2ef44e5eb9f', '2026-11-21 15:39:51.692515+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('ffb8e9f2-9b63-5b9d-bdbb-3d6e221d65b7', '5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'mbox', 'mailto:learner2@example.org', '2026-11-21 15:39:51.692515+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('2ed9bcb2-b3e2-5b2c-9d74-a51a3b2533bc', '5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'mbox_sha1sum', '5bcf7baba1f1d7c47232cded0f16735e6cda9259', '2026-11-21 15:39:51.692515+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('4bcb8e3a-2102-5dc0-9bb9-f2beb907dc37', '659d82d2-f668-46e9-8dc3-57647e693b66', 'mbox', 'mailto:learner3@example.org', '2026-11-21 15:39:51.692515+00');
INSERT INTO public.user_identifiers (key, user_id, kind, value, created_at) VALUES ('84e92565-8e79-5daa-9fb4-06e1326f9b56', '659d82d2-f668-46e9-8dc3-57647e693b66', 'mbox_sha1sum', '766de5fb367cb3729293ce4be64fa617605c90b9', '2026-11-21 15:39:51.692515+00');
INSERT INTO public.users (id, name, email, phone, avatar, time_zone, language, source, created_at, attributes) VALUES ('91760856-1e57-44ed-898e-ea612f9543d4', 'Ann', 'learner1@example.org', NULL, 'annie', NULL, NULL, 'signup', '2026-11-21 15:39:51.621916+00', '{}');
INSERT INTO public.users (id, name, email, phone, avatar, time_zone, language, source, created_at, attributes) VALUES ('050f428d-eca2-409e-8a1d-81720eb79846', 'Lerner „0“', 'learner0@example.org', NULL, NULL, NULL, NULL, 'statement', '2026-11-21 15:39:51.692515+00', '{}');
INSERT INTO public.users (id, name, email, phone, avatar, time_zone, language, source, created_at, attributes) VALUES ('5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'Lerner „2“', 'learner2@example.org', NULL, NULL, NULL, NULL, 'statement', '2026-11-21 15:39:51.692515+00', '{}');
INSERT INTO public.users (id, name, email, phone, avatar, time_zone, language, source, created_at, attributes) VALUES ('659d82d2-f668-46e9-8dc3-57647e693b66', 'Lerner „3“', 'learner3@example.org', NULL, NULL, NULL, NULL, 'statement', '2026-11-21 15:39:51.692515+00', '{}');
INSERT INTO silver.activities (key, iri, definition, updated_at) VALUES ('96b0bdab-ceba-58f7-a97d-e6af2bfebb92', 'https://app.7taps.com/lessons/2', '{"name":{"en":"Milk"}}', '2026-11-21 15:39:51.722992+00');
INSERT INTO silver.activities (key, iri, definition, updated_at) VALUES ('9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', 'https://app.7taps.com/lessons/1', '{"name":{"en":"Milk"}}', '2026-11-21 15:39:51.722992+00');
INSERT INTO silver.activities (key, iri, definition, updated_at) VALUES ('a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', 'https://app.7taps.com/lessons/0', '{"name":{"en":"Milk"}}', '2026-11-21 15:39:51.722992+00');
INSERT INTO silver.activities (key, iri, definition, updated_at) VALUES ('af9d8d2c-f9a9-5f9e-8a73-4cb069af42fa', 'https://app.7taps.com/lessons/1#card-3', '{"type":"http://adlnet.gov/expapi/activities/cmi.interaction","interactionType":"choice","choices":[{"id":"a","description":{"en":"Oat"}},{"id":"b","description":{"en":"Whole"}}],"correctResponsesPattern":["b"]}', '2026-11-21 15:39:51.722992+00');
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('01a641b5-14ca-5148-a854-09ee8c66e993', '2026-11-21 15:39:51.683014+00', 15);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('0cf152e4-2b03-520b-99ec-cd36278e3777', '2026-11-21 15:39:51.683009+00', 10);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('0cf152e4-2b03-520b-99ec-cd36278e3777', '2026-11-21 15:39:51.68301+00', 11);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('0cf152e4-2b03-520b-99ec-cd36278e3777', '2026-11-21 15:39:51.683011+00', 12);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('0cf152e4-2b03-520b-99ec-cd36278e3777', '2026-11-21 15:39:51.683012+00', 13);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('44e76e25-0dc2-5243-9f48-ddff8e53d27c', '2026-11-21 15:39:51.683003+00', 4);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('44e76e25-0dc2-5243-9f48-ddff8e53d27c', '2026-11-21 15:39:51.683007+00', 8);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('44e76e25-0dc2-5243-9f48-ddff8e53d27c', '2026-11-21 15:39:51.683012+00', 13);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('44e76e25-0dc2-5243-9f48-ddff8e53d27c', '2026-11-21 15:39:51.683015+00', 16);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('4af823c2-e24d-56ab-baa7-9bb98ddfc391', '2026-11-21 15:39:51.683013+00', 14);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('6fe6fc01-e205-5381-85d6-e8885d9ff6df', '2026-11-21 15:39:51.683002+00', 3);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('6fe6fc01-e205-5381-85d6-e8885d9ff6df', '2026-11-21 15:39:51.683006+00', 7);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('6fe6fc01-e205-5381-85d6-e8885d9ff6df', '2026-11-21 15:39:51.683011+00', 12);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('6fe6fc01-e205-5381-85d6-e8885d9ff6df', '2026-11-21 15:39:51.683014+00', 15);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('8cc70069-dbce-5314-b01d-3758913703ce', '2026-11-21 15:39:51.683001+00', 2);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('8cc70069-dbce-5314-b01d-3758913703ce', '2026-11-21 15:39:51.683005+00', 6);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('8cc70069-dbce-5314-b01d-3758913703ce', '2026-11-21 15:39:51.68301+00', 11);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('8cc70069-dbce-5314-b01d-3758913703ce', '2026-11-21 15:39:51.683013+00', 14);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('96b0bdab-ceba-58f7-a97d-e6af2bfebb92', '2026-11-21 15:39:51.683002+00', 3);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('96b0bdab-ceba-58f7-a97d-e6af2bfebb92', '2026-11-21 15:39:51.683005+00', 6);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('96b0bdab-ceba-58f7-a97d-e6af2bfebb92', '2026-11-21 15:39:51.683008+00', 9);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-11-21 15:39:51.683001+00', 2);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-11-21 15:39:51.683004+00', 5);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-11-21 15:39:51.683007+00', 8);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-11-21 15:39:51.683015+00', 16);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', '2026-11-21 15:39:51.683003+00', 4);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', '2026-11-21 15:39:51.683006+00', 7);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683001+00', 2);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683002+00', 3);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683003+00', 4);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683004+00', 5);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683005+00', 6);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683006+00', 7);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683007+00', 8);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683008+00', 9);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683015+00', 16);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('af9d8d2c-f9a9-5f9e-8a73-4cb069af42fa', '2026-11-21 15:39:51.683009+00', 10);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('af9d8d2c-f9a9-5f9e-8a73-4cb069af42fa', '2026-11-21 15:39:51.68301+00', 11);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('af9d8d2c-f9a9-5f9e-8a73-4cb069af42fa', '2026-11-21 15:39:51.683011+00', 12);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('af9d8d2c-f9a9-5f9e-8a73-4cb069af42fa', '2026-11-21 15:39:51.683012+00', 13);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683001+00', 2);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683002+00', 3);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683003+00', 4);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683004+00', 5);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683005+00', 6);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683006+00', 7);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683007+00', 8);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683008+00', 9);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683009+00', 10);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.68301+00', 11);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683011+00', 12);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683012+00', 13);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683013+00', 14);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683014+00', 15);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('ba4a861d-23bc-575f-bc92-906d2ff3b40f', '2026-11-21 15:39:51.683015+00', 16);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('d707b9d1-d1d0-524e-9b7a-b1bc5762b49a', '2026-11-21 15:39:51.683004+00', 5);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('d707b9d1-d1d0-524e-9b7a-b1bc5762b49a', '2026-11-21 15:39:51.683008+00', 9);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('d707b9d1-d1d0-524e-9b7a-b1bc5762b49a', '2026-11-21 15:39:51.683009+00', 10);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('8cc70069-dbce-5314-b01d-3758913703ce', '2026-11-21 15:39:51.683014+00', 15);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', '2026-11-21 15:39:51.683014+00', 15);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', '2026-11-21 15:39:51.683013+00', 14);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683013+00', 14);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('a6e5b0ae-a96c-5ad8-ac5e-cc6f864f5530', '2026-11-21 15:39:51.683014+00', 15);
INSERT INTO silver.statement_links (key, stored_at, seq) VALUES ('d707b9d1-d1d0-524e-9b7a-b1bc5762b49a', '2026-11-21 15:39:51.683013+00', 14);
INSERT INTO silver.statement_refs (statement_id, target_id, voids, resolved_at) VALUES ('1dae7515-0d6d-53e7-a3b6-e10556ff5d80', '821bbfac-0e1c-52dd-bec8-88a00695491a', false, '2026-11-21 15:39:51.74579+00');
INSERT INTO silver.statement_refs (statement_id, target_id, voids, resolved_at) VALUES ('bc33955a-40b6-5bbb-a15c-4060cb2f77c8', '35030fc9-dde2-594d-81ac-d839ece1dc9c', true, '2026-11-21 15:39:51.74579+00');
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('0832d508-2291-5516-9789-9e038515134e', '050f428d-eca2-409e-8a1d-81720eb79846', 'mbox:mailto:learner0@example.org', 'learner0@example.org', 'Lerner „0“', 'http://adlnet.gov/expapi/verbs/answered', 'answered', 'https://app.7taps.com/lessons/1#card-3', 'Activity', NULL, 'http://adlnet.gov/expapi/activities/cmi.interaction', 'choice', NULL, false, false, NULL, NULL, NULL, NULL, NULL, 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-11 08:00:00+00', '2026-11-21 15:39:51.683009+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('1b3a339d-3ead-5bca-b11b-e66b6ba65d5a', '91760856-1e57-44ed-898e-ea612f9543d4', 'mbox:mailto:learner1@example.org', 'learner1@example.org', 'Lerner „1“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/2', 'Activity', 'Milk', NULL, NULL, '96b0bdab-ceba-58f7-a97d-e6af2bfebb92', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-06 08:00:00+00', '2026-11-21 15:39:51.683005+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('1dae7515-0d6d-53e7-a3b6-e10556ff5d80', '5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'mbox:mailto:learner2@example.org', 'learner2@example.org', 'Lerner „2“', 'http://adlnet.gov/expapi/verbs/commented', 'commented', '821bbfac-0e1c-52dd-bec8-88a00695491a', 'StatementRef', NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-22 08:00:00+00', '2026-11-21 15:39:51.683014+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('22150249-3691-590e-9362-d5e27a9e8565', '659d82d2-f668-46e9-8dc3-57647e693b66', 'mbox:mailto:learner3@example.org', 'learner3@example.org', 'Lerner „3“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/1', 'Activity', 'Milk', NULL, NULL, '9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-08 08:00:00+00', '2026-11-21 15:39:51.683007+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('2560f8f8-60e1-5c73-be13-b0f06d9cabf2', '5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'mbox:mailto:learner2@example.org', 'learner2@example.org', 'Lerner „2“', 'http://adlnet.gov/expapi/verbs/answered', 'answered', 'https://app.7taps.com/lessons/1#card-3', 'Activity', NULL, 'http://adlnet.gov/expapi/activities/cmi.interaction', 'choice', NULL, false, false, NULL, NULL, NULL, NULL, NULL, 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-13 08:00:00+00', '2026-11-21 15:39:51.683011+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('3d0b0391-5d02-52cb-8737-959aabfe6f34', '659d82d2-f668-46e9-8dc3-57647e693b66', 'mbox:mailto:learner3@example.org', 'learner3@example.org', 'Lerner „3“', 'http://adlnet.gov/expapi/verbs/answered', 'answered', 'https://app.7taps.com/lessons/1#card-3', 'Activity', NULL, 'http://adlnet.gov/expapi/activities/cmi.interaction', 'choice', NULL, false, true, NULL, NULL, NULL, NULL, NULL, 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-14 08:00:00+00', '2026-11-21 15:39:51.683012+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('3eda543e-77c6-5418-93cf-87350fc5d63a', '5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'mbox:mailto:learner2@example.org', 'learner2@example.org', 'Lerner „2“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/2', 'Activity', 'Milk', NULL, NULL, '96b0bdab-ceba-58f7-a97d-e6af2bfebb92', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-03 08:00:00+00', '2026-11-21 15:39:51.683002+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('45a141cc-730e-51b1-b98f-33bc77295a44', '050f428d-eca2-409e-8a1d-81720eb79846', 'mbox:mailto:learner0@example.org', 'learner0@example.org', 'Lerner „0“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/1', 'Activity', 'Milk', NULL, NULL, '9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-05 08:00:00+00', '2026-11-21 15:39:51.683004+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('6e549939-bcb3-59d0-a758-051c456046ee', '91760856-1e57-44ed-898e-ea612f9543d4', 'mbox:mailto:learner1@example.org', 'learner1@example.org', 'Lerner „1“', 'http://adlnet.gov/expapi/verbs/answered', 'answered', 'https://app.7taps.com/lessons/1#card-3', 'Activity', NULL, 'http://adlnet.gov/expapi/activities/cmi.interaction', 'choice', NULL, false, true, NULL, NULL, NULL, NULL, NULL, 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-12 08:00:00+00', '2026-11-21 15:39:51.68301+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('6e97e9b7-8498-5ddc-ac13-974b58d12e64', '659d82d2-f668-46e9-8dc3-57647e693b66', 'mbox:mailto:learner3@example.org', 'learner3@example.org', 'Lerner „3“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/1', 'Activity', 'Milk', NULL, NULL, '9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', true, NULL, NULL, 0.5, 5, 0, 10, 'naïve
''quoted''', 90.5, NULL, NULL, NULL, '7taps', 'de', NULL, '2026-03-23 08:00:00+00', '2026-11-21 15:39:51.683015+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('75a754a6-fdd9-5ee6-812a-5c031885f6eb', '659d82d2-f668-46e9-8dc3-57647e693b66', 'mbox:mailto:learner3@example.org', 'learner3@example.org', 'Lerner „3“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/0', 'Activity', 'Milk', NULL, NULL, 'a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-04 08:00:00+00', '2026-11-21 15:39:51.683003+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('821bbfac-0e1c-52dd-bec8-88a00695491a', '91760856-1e57-44ed-898e-ea612f9543d4', 'mbox:mailto:learner1@example.org', 'learner1@example.org', 'Lerner „1“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/1', 'Activity', 'Milk', NULL, NULL, '9a8c0a60-5230-59f1-a389-dc9f2fcd5c0e', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 08:00:00+00', '2026-11-21 15:39:51.683001+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('bc33955a-40b6-5bbb-a15c-4060cb2f77c8', '91760856-1e57-44ed-898e-ea612f9543d4', 'mbox:mailto:learner1@example.org', 'learner1@example.org', 'Lerner „1“', 'http://adlnet.gov/expapi/verbs/voided', 'voided', '35030fc9-dde2-594d-81ac-d839ece1dc9c', 'StatementRef', NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-21 08:00:00+00', '2026-11-21 15:39:51.683013+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('ccb3869a-1155-5198-828e-0ee2bc5ed0d7', '050f428d-eca2-409e-8a1d-81720eb79846', 'mbox:mailto:learner0@example.org', 'learner0@example.org', 'Lerner „0“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/2', 'Activity', 'Milk', NULL, NULL, '96b0bdab-ceba-58f7-a97d-e6af2bfebb92', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-09 08:00:00+00', '2026-11-21 15:39:51.683008+00', NULL, NULL);
INSERT INTO silver.statements_flat (statement_id, learner_id, actor_key, actor_email, actor_name, verb_id, verb, object_id, object_type, object_name, activity_type, interaction_type, lesson_id, completes_lesson, success, completion, score_scaled, score_raw, score_min, score_max, response, duration_s, registration, parent_id, grouping_id, platform, language, card_type, occurred_at, stored_at, question_id, choice) VALUES ('dd55c384-44b6-580c-9ec6-4850b600c9bd', '5de8dcc5-8306-45fd-a7f6-f6fdd286cd5a', 'mbox:mailto:learner2@example.org', 'learner2@example.org', 'Lerner „2“', 'http://adlnet.gov/expapi/verbs/completed', 'completed', 'https://app.7taps.com/lessons/0', 'Activity', 'Milk', NULL, NULL, 'a6481b7e-0eb0-55d1-a4b5-e71ac9a42c5b', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-07 08:00:00+00', '2026-11-21 15:39:51.683006+00', NULL, NULL);
SELECT pg_catalog.setval('bronze.statements_raw_seq_seq', 16, true);
SELECT pg_catalog.setval('ops.audit_log_id_seq', 1, false);
ALTER TABLE ONLY bronze.attachments
    ADD CONSTRAINT pk_attachments PRIMARY KEY (sha2);
ALTER TABLE ONLY bronze.statements_raw
    ADD CONSTRAINT pk_statements_raw PRIMARY KEY (seq);
ALTER TABLE ONLY gold.lesson_progress
    ADD CONSTRAINT pk_lesson_progress PRIMARY KEY (learner_id, lesson_id) INCLUDE (started_at, last_at, completed_at, statement_count);
ALTER TABLE ONLY ops.audit_log
    ADD CONSTRAINT pk_audit_log PRIMARY KEY (id);
ALTER TABLE ONLY ops.dead_letters
    ADD CONSTRAINT pk_dead_letters PRIMARY KEY (id);
ALTER TABLE ONLY ops.imports
    ADD CONSTRAINT pk_imports PRIMARY KEY (id);
ALTER TABLE ONLY ops.job_runs
    ADD CONSTRAINT pk_job_runs PRIMARY KEY (job, period);
ALTER TABLE ONLY ops.task_status
    ADD CONSTRAINT pk_task_status PRIMARY KEY (name);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.activity_profile_documents
    ADD CONSTRAINT pk_activity_profile_documents PRIMARY KEY (key);
ALTER TABLE ONLY public.agent_profile_documents
    ADD CONSTRAINT pk_agent_profile_documents PRIMARY KEY (key);
ALTER TABLE ONLY public.avatar_claims
    ADD CONSTRAINT pk_avatar_claims PRIMARY KEY (handle);
ALTER TABLE ONLY public.cohort_lessons
    ADD CONSTRAINT pk_cohort_lessons PRIMARY KEY (cohort_id, lesson_id);
ALTER TABLE ONLY public.cohort_members
    ADD CONSTRAINT pk_cohort_members PRIMARY KEY (cohort_id, user_id);
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT pk_cohorts PRIMARY KEY (id);
ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT pk_credentials PRIMARY KEY (id);
ALTER TABLE ONLY public.lessons
    ADD CONSTRAINT pk_lessons PRIMARY KEY (id);
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT pk_notifications PRIMARY KEY (id);
ALTER TABLE ONLY public.reminder_stops
    ADD CONSTRAINT pk_reminder_stops PRIMARY KEY (learner_id);
ALTER TABLE ONLY public.reminder_templates
    ADD CONSTRAINT pk_reminder_templates PRIMARY KEY (cohort_id);
ALTER TABLE ONLY public.state_documents
    ADD CONSTRAINT pk_state_documents PRIMARY KEY (key);
ALTER TABLE ONLY public.user_identifiers
    ADD CONSTRAINT pk_user_identifiers PRIMARY KEY (key);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT uq_cohorts_slug UNIQUE (slug);
ALTER TABLE ONLY silver.activities
    ADD CONSTRAINT pk_activities PRIMARY KEY (key);
ALTER TABLE ONLY silver.statement_links
    ADD CONSTRAINT pk_statement_links PRIMARY KEY (key, stored_at, seq);
ALTER TABLE ONLY silver.statement_refs
    ADD CONSTRAINT pk_statement_refs PRIMARY KEY (statement_id);
ALTER TABLE ONLY silver.statements_flat
    ADD CONSTRAINT pk_statements_flat PRIMARY KEY (statement_id);
ALTER TABLE ONLY silver.verbs
    ADD CONSTRAINT pk_verbs PRIMARY KEY (key);
CREATE INDEX ix_statements_raw_stored_at_seq ON bronze.statements_raw USING btree (stored_at, seq) WHERE (voided_by IS NULL);
CREATE INDEX ix_statements_raw_unflattened ON bronze.statements_raw USING btree (seq) WHERE ((flattened_at IS NULL) AND (flatten_error IS NULL));
CREATE UNIQUE INDEX uq_statements_raw_id ON bronze.statements_raw USING btree (id);
CREATE INDEX ix_lesson_progress_lesson_id ON gold.lesson_progress USING btree (lesson_id);
CREATE INDEX ix_audit_log_target_id ON ops.audit_log USING btree (target, id);
CREATE INDEX ix_dead_letters_first_seen_at_id ON ops.dead_letters USING btree (first_seen_at, id);
CREATE INDEX ix_dead_letters_last_seen_at_id ON ops.dead_letters USING btree (last_seen_at, id);
CREATE INDEX ix_dead_letters_status_code_source ON ops.dead_letters USING btree (status, code, source);
CREATE INDEX ix_dead_letters_status_first_seen_at_id ON ops.dead_letters USING btree (status, first_seen_at, id);
CREATE INDEX ix_dead_letters_status_last_seen_at ON ops.dead_letters USING btree (status, last_seen_at);
CREATE INDEX ix_imports_started_at ON ops.imports USING btree (started_at);
CREATE INDEX ix_activity_profile_documents_owner ON public.activity_profile_documents USING btree (owner);
CREATE INDEX ix_agent_profile_documents_owner ON public.agent_profile_documents USING btree (owner);
CREATE INDEX ix_avatar_claims_user_id ON public.avatar_claims USING btree (user_id);
CREATE INDEX ix_cohort_lessons_lesson_id ON public.cohort_lessons USING btree (lesson_id);
CREATE INDEX ix_cohort_members_user_id ON public.cohort_members USING btree (user_id);
CREATE INDEX ix_notifications_claimed_at_id ON public.notifications USING btree (claimed_at, id);
CREATE INDEX ix_notifications_status_claimed_at_id ON public.notifications USING btree (status, claimed_at, id);
CREATE INDEX ix_state_documents_owner ON public.state_documents USING btree (owner);
CREATE INDEX ix_user_identifiers_user_id ON public.user_identifiers USING btree (user_id);
CREATE INDEX ix_users_email ON public.users USING btree (email);
CREATE UNIQUE INDEX uq_avatar_claims_handle_lower ON public.avatar_claims USING btree (lower(handle));
CREATE UNIQUE INDEX uq_notifications_learner_id_local_day ON public.notifications USING btree (learner_id, local_day);
CREATE UNIQUE INDEX uq_users_avatar_lower ON public.users USING btree (lower(avatar));
CREATE INDEX ix_statement_refs_target_id ON silver.statement_refs USING btree (target_id);
CREATE INDEX ix_statement_refs_unresolved ON silver.statement_refs USING btree (target_id) WHERE (resolved_at IS NULL);
CREATE INDEX ix_statements_flat_answers ON silver.statements_flat USING btree (lesson_id, question_id, learner_id, occurred_at, statement_id) INCLUDE (choice, success, score_raw) WHERE (question_id IS NOT NULL);
CREATE INDEX ix_statements_flat_learner_id_lesson_id ON silver.statements_flat USING btree (learner_id, lesson_id);
CREATE INDEX ix_statements_flat_lesson_id_occurred_at ON silver.statements_flat USING btree (lesson_id, occurred_at);
CREATE INDEX ix_statements_flat_occurred_at ON silver.statements_flat USING btree (occurred_at);
ALTER TABLE ONLY public.avatar_claims
    ADD CONSTRAINT fk_avatar_claims_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.cohort_lessons
    ADD CONSTRAINT fk_cohort_lessons_cohort_id_cohorts FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.cohort_lessons
    ADD CONSTRAINT fk_cohort_lessons_lesson_id_lessons FOREIGN KEY (lesson_id) REFERENCES public.lessons(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.cohort_members
    ADD CONSTRAINT fk_cohort_members_cohort_id_cohorts FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.cohort_members
    ADD CONSTRAINT fk_cohort_members_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT fk_notifications_learner_id_users FOREIGN KEY (learner_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.reminder_stops
    ADD CONSTRAINT fk_reminder_stops_learner_id_users FOREIGN KEY (learner_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.reminder_templates
    ADD CONSTRAINT fk_reminder_templates_cohort_id_cohorts FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.user_identifiers
    ADD CONSTRAINT fk_user_identifiers_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
