"""Apply the SQL files of migrations/ that the database has not seen yet, each in a transaction of its own."""

from __future__ import annotations

from pathlib import Path

from app import connect

FOLDER = Path(__file__).parent / "migrations"

with connect() as database:
    database.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY)")
    done = {name for (name,) in database.execute("SELECT name FROM migration")}
for path in sorted(FOLDER.glob("*.sql")):
    if path.name not in done:
        with connect() as database:
            database.execute(path.read_text())
            database.execute("INSERT INTO migration (name) VALUES (%s)", [path.name])
        print("applied", path.name)
