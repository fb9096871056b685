CREATE TABLE tables (
    -- Never given out twice.
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    database_id BIGINT NOT NULL REFERENCES databases (id),
    name TEXT NOT NULL,
    -- JSON; NULL is the default, by day.
    partition_template TEXT,
    max_columns BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    -- The name by which records of the log's first version call the table; those hold names instead of ids.
    logged_as TEXT,
    sequence BIGINT NOT NULL
);

CREATE INDEX tables_database ON tables (database_id);

CREATE UNIQUE INDEX tables_logged_as ON tables (database_id, logged_as) WHERE logged_as IS NOT NULL;

-- Every name that reaches an active table: its name, and its former names.
CREATE TABLE table_names (
    database_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    table_id BIGINT NOT NULL REFERENCES tables (id),
    PRIMARY KEY (database_id, name)
);

CREATE INDEX table_names_table ON table_names (table_id);
