-- Organizations, users and API tokens of the v2 API. Their ids are numbers above 0, never given out twice.

-- Made anew: names of deleted organizations are free again, which a constraint inside the table would not allow.
CREATE TABLE organizations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    -- The same cluster under its v2 name.
    organization_id BIGINT NOT NULL UNIQUE CHECK (organization_id > 0),
    organization_name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- 1 for the one that this server was started with; it cannot be deleted.
    is_first SMALLINT NOT NULL CHECK (is_first IN (0, 1)),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT CHECK (deleted_at IS NULL OR is_first = 0),
    sequence BIGINT NOT NULL
);

INSERT INTO organizations
SELECT id, account_id, name, organization_id, organization_name, '', 1, created_at, created_at, NULL, 1 FROM clusters;

DROP TABLE clusters;

ALTER TABLE organizations RENAME TO clusters;

CREATE UNIQUE INDEX clusters_organization_name ON clusters (organization_name) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX clusters_first ON clusters (is_first) WHERE is_first = 1;

-- No default is ever used: every later row is written with all three.
ALTER TABLE databases ADD COLUMN organization_id BIGINT NOT NULL DEFAULT 0;

ALTER TABLE databases ADD COLUMN description TEXT NOT NULL DEFAULT '';

ALTER TABLE databases ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;

UPDATE databases SET organization_id = (SELECT organization_id FROM clusters), updated_at = created_at;

DROP INDEX databases_active_name;

CREATE UNIQUE INDEX databases_active_name ON databases (organization_id, name) WHERE deleted_at IS NULL;

CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id > 0),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    -- NULL when there is none, and from the deletion on.
    password_hash TEXT CHECK (password_hash IS NULL OR deleted_at IS NULL),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    sequence BIGINT NOT NULL
);

CREATE UNIQUE INDEX users_name ON users (name) WHERE deleted_at IS NULL;

-- Only of users and organizations that are not deleted.
CREATE TABLE members (
    organization_id BIGINT NOT NULL REFERENCES clusters (organization_id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('member', 'owner')),
    sequence BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id, role)
);

CREATE INDEX members_user ON members (user_id);

CREATE TABLE api_tokens (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id > 0),
    user_id BIGINT NOT NULL REFERENCES users (id),
    organization_id BIGINT NOT NULL REFERENCES clusters (organization_id),
    -- SHA-256 of the token text, which itself is kept nowhere. Unique over deleted tokens, and over the table `tokens`, too.
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    -- 1 if somebody chose the text.
    is_weak SMALLINT NOT NULL CHECK (is_weak IN (0, 1)),
    -- What a v1 client signs in with instead of a token; NULL for all others.
    legacy_username TEXT CHECK (legacy_username IS NULL OR is_weak = 0),
    password_hash TEXT CHECK (password_hash IS NULL OR (legacy_username IS NOT NULL AND deleted_at IS NULL)),
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    description TEXT NOT NULL,
    -- As they are printed, in the order given, separated by spaces. Text, not a table, so that many tokens load in one scan.
    permissions TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    deleted_at BIGINT,
    sequence BIGINT NOT NULL
);

CREATE UNIQUE INDEX api_tokens_digest ON api_tokens (digest);

CREATE INDEX api_tokens_user ON api_tokens (user_id, id) WHERE deleted_at IS NULL;

CREATE INDEX api_tokens_organization ON api_tokens (organization_id, id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX api_tokens_legacy_username ON api_tokens (legacy_username)
WHERE legacy_username IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE mappings (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id > 0),
    organization_id BIGINT NOT NULL REFERENCES clusters (organization_id),
    database_id BIGINT NOT NULL REFERENCES databases (id),
    v1_database TEXT NOT NULL,
    retention_policy TEXT NOT NULL,
    is_default SMALLINT NOT NULL CHECK (is_default IN (0, 1)),
    -- The change that made it: the least is the oldest.
    created_sequence BIGINT NOT NULL,
    sequence BIGINT NOT NULL
);

CREATE UNIQUE INDEX mappings_names ON mappings (organization_id, v1_database, retention_policy);

CREATE UNIQUE INDEX mappings_default ON mappings (organization_id, v1_database) WHERE is_default = 1;

-- Who asked for a change: at most one of `actor_token` and these two; none of them is the server itself.
ALTER TABLE audit ADD COLUMN actor_api_token BIGINT;

ALTER TABLE audit ADD COLUMN actor_user BIGINT;
