-- The ledger. Portable columns only: BIGINT and TEXT; times are milliseconds since 1970, written by the caller; small closed
-- lists are numbers whose meaning stands in the code (outbound::status, outbound::ledger).

-- One row: how often the ledger was opened to be written, and what belongs to no run.
CREATE TABLE engine (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    incarnation  BIGINT NOT NULL,
    foreign_events BIGINT NOT NULL DEFAULT 0   -- webhook statuses of messages that no run of ours sent
);
INSERT INTO engine (id, incarnation) VALUES (1, 0);

-- A sender is its number: windows and pacing belong to it, whatever the settings call it today.
CREATE TABLE sender (
    no           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,              -- as the settings named it last
    provider     TEXT NOT NULL,
    number_id    TEXT NOT NULL,
    UNIQUE (provider, number_id)
);

-- Who may send from a sender: exactly one process holds its lane. Times are the database's clock; the epoch fences what a
-- process that lost its lane still tries to write. One process owns the whole ledger today, by a lock: it leaves these as they are.
CREATE TABLE lane (
    sender      BIGINT PRIMARY KEY REFERENCES sender (no),
    owner       TEXT,
    epoch       BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE run (
    no              INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,      -- derived from campaign name and run key
    campaign        TEXT NOT NULL,
    run_key         TEXT NOT NULL,
    state           BIGINT NOT NULL,
    version         BIGINT NOT NULL DEFAULT 0,
    reason          TEXT,                      -- why it is paused or failed
    campaign_text   TEXT NOT NULL,             -- the file as it was when the run began
    campaign_digest TEXT NOT NULL,
    audience_digest TEXT NOT NULL,
    audience_name   TEXT NOT NULL,
    columns         TEXT NOT NULL,             -- JSON array: the columns that delivery.vars holds, in order
    on_unknown      BIGINT NOT NULL,
    rows_read       BIGINT NOT NULL DEFAULT 0, -- data records of the audience file
    rows_planned    BIGINT NOT NULL DEFAULT 0, -- of these, deliveries
    rows_bad        BIGINT NOT NULL DEFAULT 0, -- of these, unusable
    rows_duplicate  BIGINT NOT NULL DEFAULT 0, -- of these, the same person again
    created_at      BIGINT NOT NULL,
    started_at      BIGINT,
    finished_at     BIGINT,
    expires_at      BIGINT
);

-- One row a recipient. id = run.no * 2^32 + the record's number in the audience file: what is sent together lies together.
CREATE TABLE delivery (
    id         INTEGER PRIMARY KEY,
    run        BIGINT NOT NULL,
    person     BIGINT NOT NULL,            -- E.164 digits, canonical
    line       BIGINT NOT NULL,            -- of the audience file
    state      BIGINT NOT NULL,
    reason     BIGINT NOT NULL DEFAULT 0,  -- why it was skipped
    tries      BIGINT NOT NULL DEFAULT 0,  -- intents written so far
    gen        BIGINT NOT NULL DEFAULT 0,  -- new sends of the same message, only after a proven non-send or by policy
    flags      BIGINT NOT NULL DEFAULT 0,
    route      BIGINT NOT NULL DEFAULT 0,  -- of the latest intent
    sender     BIGINT NOT NULL DEFAULT 0,  -- of the latest intent
    digest     BIGINT NOT NULL DEFAULT 0,  -- first 64 bits of SHA-256 of the latest intent's request body
    intent_at  BIGINT NOT NULL DEFAULT 0,
    due_at     BIGINT NOT NULL DEFAULT 0,  -- pending: not before; intent: deadline; unknown: end of grace
    vars       TEXT NOT NULL               -- JSON array of the row's values
);
-- Everything not terminal: pending 0, intent 1, unknown 2.
CREATE INDEX delivery_open ON delivery (run, due_at, id) WHERE state < 3;
CREATE UNIQUE INDEX delivery_person ON delivery (person, run);

-- Rows of the audience file that became no delivery.
CREATE TABLE rejected_row (
    run        BIGINT NOT NULL,
    line       BIGINT NOT NULL,
    reason     TEXT NOT NULL,
    field      TEXT,
    PRIMARY KEY (run, line)
) WITHOUT ROWID;

-- One row a call: what was learned of it. An unknown outcome may be settled later, by evidence.
CREATE TABLE attempt (
    delivery    BIGINT NOT NULL,
    try         BIGINT NOT NULL,           -- delivery.tries of its intent
    gen         BIGINT NOT NULL,
    sender      BIGINT NOT NULL,
    route       BIGINT NOT NULL,
    outcome     BIGINT NOT NULL,
    class       BIGINT NOT NULL DEFAULT 0,
    code        TEXT,
    detail      TEXT,
    http        BIGINT NOT NULL DEFAULT 0,
    provider_id TEXT,
    digest      BIGINT NOT NULL,
    intent_at   BIGINT NOT NULL,
    settled_at  BIGINT NOT NULL,
    settled_by  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (delivery, try)
) WITHOUT ROWID;

-- How much of what a sender's provider took has been heard of since: asked before silence counts as absence.
CREATE INDEX attempt_accepted ON attempt (sender, intent_at) WHERE outcome = 1;

-- What webhooks said of one send: a join of all its statuses. Written by the receipt side alone.
CREATE TABLE receipt (
    delivery     BIGINT NOT NULL,
    gen          BIGINT NOT NULL,             -- the send it is about: attempt keys name deliveries and sends
    sent_at      BIGINT,
    delivered_at BIGINT,
    read_at      BIGINT,
    failed_at    BIGINT,
    code         TEXT,                     -- of the failure
    pricing      BIGINT,                   -- fare_text.no of the pricing object as received
    conversation BIGINT,                   -- fare_text.no of the conversation object as received
    PRIMARY KEY (delivery, gen)
) WITHOUT ROWID;

-- Pricing and conversation objects as received, each text once. no: the first 63 bits of the text's SHA-256.
CREATE TABLE fare_text (
    no   INTEGER PRIMARY KEY,
    body TEXT NOT NULL
);

-- Webhook bodies as received, stored before they are answered. Their numbers are given by the process that owns the ledger.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY,
    provider    TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    body        BLOB NOT NULL
);
-- Those not folded yet; small, so that marking one done never rewrites a body.
CREATE TABLE inbox_todo (
    id INTEGER PRIMARY KEY
);
-- Bodies that no adapter could read, with the reason.
CREATE TABLE inbox_unread (
    id     INTEGER PRIMARY KEY,
    reason TEXT NOT NULL
);

-- The last message of each person to each sender: opens the customer service window.
CREATE TABLE contact_window (
    sender       BIGINT NOT NULL,
    person       BIGINT NOT NULL,
    last_inbound BIGINT NOT NULL,
    PRIMARY KEY (sender, person)
) WITHOUT ROWID;
