-- Pannier's index, version 2: a model file is searched once, not on every run.

CREATE TABLE model_scan ( -- A cache: the assumptions:// references that model files hold. May be emptied.
  blob_id INTEGER PRIMARY KEY REFERENCES blob (id), -- the model file
  found TEXT NOT NULL -- the first 25 that differ, in their order, a newline after each
) STRICT;

PRAGMA user_version = 2;
