-- Times are microseconds since 1970 in UTC. Ids of tokens, accounts and clusters are the 16 bytes of a UUID.
-- Every `sequence` is the position of the change that wrote the row last.

-- The one row that every change moves on.
CREATE TABLE catalog_head (
    singleton SMALLINT NOT NULL PRIMARY KEY CHECK (singleton = 1),
    sequence BIGINT NOT NULL CHECK (sequence >= 0),
    -- Highest time at which an expiry has been acted upon.
    clock_mark BIGINT
);

INSERT INTO catalog_head (singleton, sequence, clock_mark) VALUES (1, 0, NULL);

CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE clusters (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    -- The same cluster under its v2 name.
    organization_id BIGINT NOT NULL UNIQUE CHECK (organization_id > 0),
    organization_name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE databases (
    -- Never given out twice.
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    -- Nanoseconds; 0 keeps rows for ever.
    retention_ns BIGINT NOT NULL CHECK (retention_ns >= 0),
    max_tables BIGINT NOT NULL,
    max_columns_per_table BIGINT NOT NULL,
    -- JSON; NULL is the default, by day.
    partition_template TEXT,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    sequence BIGINT NOT NULL
);

CREATE UNIQUE INDEX databases_active_name ON databases (name) WHERE deleted_at IS NULL;

CREATE TABLE tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('database', 'management')),
    -- SHA-256 of the token text, which itself is kept nowhere. Unique over revoked tokens too.
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    prefix TEXT NOT NULL,
    description TEXT NOT NULL,
    -- `action:resource` in the order given, separated by spaces. Text, not a table, so that a million tokens load in one scan.
    grants TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BLOB,
    expires_at BIGINT,
    revoked_at BIGINT,
    sequence BIGINT NOT NULL,
    CHECK (kind = 'database' OR grants = '')
);

CREATE UNIQUE INDEX tokens_digest ON tokens (digest);

CREATE INDEX tokens_kind ON tokens (kind, id);

-- One row for every change, written in the transaction of the change.
CREATE TABLE audit (
    sequence BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    -- The token that asked for the change; NULL is the server itself.
    actor_token BLOB,
    action TEXT NOT NULL,
    -- Id or name of what was changed.
    subject TEXT NOT NULL
);
