-- Pannier's index, version 3: that nothing has changed is known without asking once more what the config means.

CREATE TABLE last_pack ( -- A cache: for each zip, how the pack that left it was asked for, and what it looked at. May be emptied.
  path TEXT NOT NULL UNIQUE, -- of the zip, as in output_file
  request_hash TEXT NOT NULL, -- SHA-256 of which config was asked for, and how
  config_hash TEXT NOT NULL, -- SHA-256 of the config's bytes
  tool_version TEXT NOT NULL, -- of the Pannier that looked
  archive_id INTEGER NOT NULL REFERENCES archive (id), -- what came of it
  files INTEGER NOT NULL, -- how many, the config not counted, were found
  looked_at BLOB NOT NULL, -- a line for each name on disk, and what was there: src/model/trace.h has the form
  warnings TEXT NOT NULL, -- a line for each: line, column, pointer and message, tabs between
  CHECK (length(request_hash) = 64 AND request_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (length(config_hash) = 64 AND config_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (files >= 0)
) STRICT;

PRAGMA user_version = 3;
