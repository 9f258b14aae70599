CREATE TABLE writekey_activity (
    key_id text NOT NULL COLLATE pg_catalog."C",
    last_event_at bigint NOT NULL
);
CREATE TABLE writekey_audit (
    id text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    action text NOT NULL COLLATE pg_catalog."C",
    actor text,
    address text,
    key_id text COLLATE pg_catalog."C",
    fields_before text,
    fields_after text
);
CREATE TABLE writekey_changes (
    revision bigint NOT NULL,
    key_id text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE writekey_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    name_folded text NOT NULL,
    source_type text NOT NULL COLLATE pg_catalog."C",
    environment text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    rate_limit_eps double precision,
    allowed_event_types text,
    allowed_event_names text,
    denied_event_names text,
    allowed_origins text,
    allowed_ips text,
    denied_ips text,
    expires_at bigint,
    metadata text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    revoked_at bigint,
    version bigint NOT NULL
);
CREATE TABLE writekey_leases (
    holder text NOT NULL COLLATE pg_catalog."C",
    lease_ms bigint NOT NULL,
    refreshed_at bigint NOT NULL
);
CREATE TABLE writekey_meta (
    id bigint NOT NULL,
    schema_version bigint NOT NULL,
    revision bigint NOT NULL,
    pruned_revision bigint NOT NULL
);
CREATE TABLE writekey_secrets (
    id text NOT NULL COLLATE pg_catalog."C",
    key_id text NOT NULL COLLATE pg_catalog."C",
    key_hash bytea NOT NULL,
    start_chars text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint
);
CREATE TABLE writekey_usage (
    key_id text NOT NULL COLLATE pg_catalog."C",
    bucket_at bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    total bigint NOT NULL
);
INSERT INTO writekey_activity VALUES ('wk_DfIlA4MtiHJNkMrw', 1795726000395);
INSERT INTO writekey_audit VALUES ('aud_xykKcnKL9ltiGYtY', 1795726000226, 'create', 'ops', '192.0.2.1', 'wk_RMA1ksuhAKfsOIwF', NULL, '{"name":"Web O''Brien \\ Größe 🌍","sourceType":"web","environment":"production","status":"active","rateLimitEps":500,"allowedEventTypes":["track","page"],"allowedEventNames":null,"deniedEventNames":null,"allowedOrigins":["https://app.example.com"],"allowedIps":null,"deniedIps":null,"expiresAt":null,"metadata":{"team":"growth"},"revokedAt":null,"secrets":[{"id":"sec_em8oBUtVAH55qrag","start":"sk_live_xsoZ","expiresAt":null}]}');
INSERT INTO writekey_audit VALUES ('aud_Ui3Xqn3nz0Fyp0ky', 1795726000347, 'create', 'ops', '192.0.2.1', 'wk_DfIlA4MtiHJNkMrw', NULL, '{"name":"Server","sourceType":"server","environment":"production","status":"active","rateLimitEps":null,"allowedEventTypes":null,"allowedEventNames":null,"deniedEventNames":null,"allowedOrigins":null,"allowedIps":null,"deniedIps":null,"expiresAt":null,"metadata":null,"revokedAt":null,"secrets":[{"id":"sec_yY4lNAhrBNc42znv","start":"sk_live_Fu8R","expiresAt":null}]}');
INSERT INTO writekey_audit VALUES ('aud_hl4JlCar0rhphTKu', 1795726000353, 'create', 'ops', '192.0.2.1', 'wk_fU0knCgSjhlX0Ru7', NULL, '{"name":"Gone","sourceType":"mobile","environment":"production","status":"active","rateLimitEps":null,"allowedEventTypes":null,"allowedEventNames":null,"deniedEventNames":null,"allowedOrigins":null,"allowedIps":null,"deniedIps":null,"expiresAt":null,"metadata":null,"revokedAt":null,"secrets":[{"id":"sec_raQ4W7x6ccKwwH44","start":"sk_live_lB0P","expiresAt":null}]}');
INSERT INTO writekey_audit VALUES ('aud_4hu0kfqBdcPIv50T', 1795726000357, 'create', 'ops', '192.0.2.1', 'wk_MBfm9IXqDTfjbj9p', NULL, '{"name":"Leaked","sourceType":"other","environment":"production","status":"active","rateLimitEps":null,"allowedEventTypes":null,"allowedEventNames":null,"deniedEventNames":null,"allowedOrigins":null,"allowedIps":null,"deniedIps":null,"expiresAt":null,"metadata":null,"revokedAt":null,"secrets":[{"id":"sec_4pBsRvcV953liiHD","start":"sk_live_XRgr","expiresAt":null}]}');
INSERT INTO writekey_audit VALUES ('aud_mRyayE6CE2aSIQK1', 1795726000367, 'rotate', 'ops', '192.0.2.1', 'wk_DfIlA4MtiHJNkMrw', '{"secrets":[{"id":"sec_yY4lNAhrBNc42znv","start":"sk_live_Fu8R","expiresAt":null}]}', '{"secrets":[{"id":"sec_yY4lNAhrBNc42znv","start":"sk_live_Fu8R","expiresAt":1795812400366},{"id":"sec_EkaGE1pg0L3oAqGu","start":"sk_live_rTI1","expiresAt":null}]}');
INSERT INTO writekey_audit VALUES ('aud_2lFZNWNY1BU68EPc', 1795726000396, 'remove', 'ops', '192.0.2.1', 'wk_fU0knCgSjhlX0Ru7', '{"name":"Gone","sourceType":"mobile","environment":"production","status":"active","rateLimitEps":null,"allowedEventTypes":null,"allowedEventNames":null,"deniedEventNames":null,"allowedOrigins":null,"allowedIps":null,"deniedIps":null,"expiresAt":null,"metadata":null,"revokedAt":null,"secrets":[{"id":"sec_raQ4W7x6ccKwwH44","start":"sk_live_lB0P","expiresAt":null}]}', NULL);
INSERT INTO writekey_audit VALUES ('aud_eWLPOkqwFx5TDV9g', 1795726000414, 'revoke', 'ops', '192.0.2.1', 'wk_MBfm9IXqDTfjbj9p', '{"status":"active","revokedAt":null}', '{"status":"revoked","revokedAt":1795726000413}');
INSERT INTO writekey_changes VALUES (2, 'wk_RMA1ksuhAKfsOIwF');
INSERT INTO writekey_changes VALUES (3, 'wk_DfIlA4MtiHJNkMrw');
INSERT INTO writekey_changes VALUES (4, 'wk_fU0knCgSjhlX0Ru7');
INSERT INTO writekey_changes VALUES (5, 'wk_MBfm9IXqDTfjbj9p');
INSERT INTO writekey_changes VALUES (6, 'wk_DfIlA4MtiHJNkMrw');
INSERT INTO writekey_changes VALUES (7, 'wk_fU0knCgSjhlX0Ru7');
INSERT INTO writekey_changes VALUES (8, 'wk_MBfm9IXqDTfjbj9p');
INSERT INTO writekey_keys VALUES ('wk_RMA1ksuhAKfsOIwF', 'Web O''Brien \ Größe 🌍', 'web o''brien \ größe 🌍', 'web', 'production', 'active', 500, '["track","page"]', NULL, NULL, '["https://app.example.com"]', NULL, NULL, NULL, '{"team":"growth"}', 1795726000226, 1795726000226, NULL, 1);
INSERT INTO writekey_keys VALUES ('wk_DfIlA4MtiHJNkMrw', 'Server', 'server', 'server', 'production', 'active', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1795726000347, 1795726000366, NULL, 2);
INSERT INTO writekey_keys VALUES ('wk_MBfm9IXqDTfjbj9p', 'Leaked', 'leaked', 'other', 'production', 'revoked', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1795726000357, 1795726000413, 1795726000413, 2);
INSERT INTO writekey_leases VALUES ('lse_still_running', 3000, 1795726000463);
INSERT INTO writekey_meta VALUES (1, 1, 8, 1);
INSERT INTO writekey_secrets VALUES ('sec_em8oBUtVAH55qrag', 'wk_RMA1ksuhAKfsOIwF', '\xbc8a9d0ef4414a44e0564339bfb46ead02d2471bb2136f5f79657fad36540074', 'sk_live_xsoZ', 0, 1795726000226, NULL, NULL);
INSERT INTO writekey_secrets VALUES ('sec_4pBsRvcV953liiHD', 'wk_MBfm9IXqDTfjbj9p', '\xc936199459702fd5a6d8057b1d8a23a1339d0e8924e03fbb37f3cb44f2ed60b0', 'sk_live_XRgr', 0, 1795726000357, NULL, NULL);
INSERT INTO writekey_secrets VALUES ('sec_EkaGE1pg0L3oAqGu', 'wk_DfIlA4MtiHJNkMrw', '\xb9ede1adb5682525b2bb75018051e369e998616dd35ce69af3fe4baf73e81d13', 'sk_live_rTI1', 1, 1795726000366, NULL, NULL);
INSERT INTO writekey_secrets VALUES ('sec_yY4lNAhrBNc42znv', 'wk_DfIlA4MtiHJNkMrw', '\xbe6ca2d849d7821152b4799caea46319a38f13e310f523c00941bcc58d454eda', 'sk_live_Fu8R', 0, 1795726000347, 1795812400366, 1795726000395);
INSERT INTO writekey_usage VALUES ('wk_DfIlA4MtiHJNkMrw', 1795725900000, 'accepted', 'track', 1);
ALTER TABLE ONLY writekey_activity
    ADD CONSTRAINT writekey_activity_pkey PRIMARY KEY (key_id);
ALTER TABLE ONLY writekey_audit
    ADD CONSTRAINT writekey_audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY writekey_changes
    ADD CONSTRAINT writekey_changes_pkey PRIMARY KEY (revision);
ALTER TABLE ONLY writekey_keys
    ADD CONSTRAINT writekey_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY writekey_leases
    ADD CONSTRAINT writekey_leases_pkey PRIMARY KEY (holder);
ALTER TABLE ONLY writekey_meta
    ADD CONSTRAINT writekey_meta_pkey PRIMARY KEY (id);
ALTER TABLE ONLY writekey_secrets
    ADD CONSTRAINT writekey_secrets_pkey PRIMARY KEY (id);
ALTER TABLE ONLY writekey_usage
    ADD CONSTRAINT writekey_usage_pkey PRIMARY KEY (key_id, bucket_at, kind, name);
CREATE INDEX writekey_audit_at ON writekey_audit USING btree (at, id);
CREATE INDEX writekey_audit_key ON writekey_audit USING btree (key_id, at, id);
CREATE INDEX writekey_keys_created ON writekey_keys USING btree (created_at, id);
CREATE UNIQUE INDEX writekey_secrets_hash ON writekey_secrets USING btree (key_hash);
CREATE INDEX writekey_secrets_key ON writekey_secrets USING btree (key_id);
CREATE INDEX writekey_usage_bucket ON writekey_usage USING btree (bucket_at);
