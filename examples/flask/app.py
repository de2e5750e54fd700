"""A guest book: what people wrote, newest first, and which release shows it."""

from __future__ import annotations

import os

import psycopg
from flask import Flask, redirect, render_template_string, request

app = Flask(__name__)

PAGE = """\
<!doctype html>
<title>Guest book</title>
<h1>Guest book</h1>
<form method="post"><input name="words" required maxlength="200"><button>Write</button></form>
<ul>{% for words in entries %}<li>{{ words }}</li>{% endfor %}</ul>
<footer>release {{ release }}</footer>
"""


def connect() -> psycopg.Connection:
    """Connect to the database that the environment's stack made."""
    return psycopg.connect(
        host=os.environ["DATABASE_HOST"],
        port=os.environ["DATABASE_PORT"],
        dbname=os.environ["DATABASE_NAME"],
        user=os.environ["DATABASE_USER"],
        password=os.environ["DATABASE_PASSWORD"],
    )


@app.get("/")
def read():
    with connect() as database:
        entries = [words for (words,) in database.execute("SELECT words FROM entry ORDER BY id DESC LIMIT 50")]
    return render_template_string(PAGE, entries=entries, release=os.environ["RELEASE"])


@app.post("/")
def write():
    with connect() as database:
        database.execute("INSERT INTO entry (words) VALUES (%s)", [request.form["words"][:200]])
    return redirect("/")


@app.get("/up")
def up():
    """Healthy once the database answers; the schema may still be on its way."""
    with connect() as database:
        database.execute("SELECT 1")
    return "up"
