CREATE TABLE entry (id serial PRIMARY KEY, words text NOT NULL);
