-- Calls of models that cost nobody knows what: their cost is 0 because it is not known.
ALTER TABLE model_calls ADD COLUMN unpriced BIGINT NOT NULL DEFAULT 0;
