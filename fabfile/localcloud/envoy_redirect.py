"""Pure: a redirect action as a route of Envoy's, whose own redirects know no #{host}, #{path} and #{query} in texts.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html
"""

from __future__ import annotations

from .contract import Listener, Redirect

FILTER = "envoy.filters.http.lua"
_TYPE = "type.googleapis.com/envoy.extensions.filters.http.lua.v3"
_REASONS = {301: "301 Moved Permanently", 302: "302 Found"}
_PROGRAM = """\
function envoy_on_request(handle)
  local headers = handle:headers()
  local host = (headers:get(":authority") or ""):gsub(":%d+$", "")
  local path, query = (headers:get(":path") or "/"):match("^/?([^?]*)%??(.*)$")
  local known = {host = host, path = path, query = query}
  local function filled(text) return (text:gsub("#{(%a+)}", known)) end
  local location = BEGIN .. filled(HOST) .. PORT .. filled(PATH)
  local asked = filled(QUERY)
  if asked ~= "" then location = location .. "?" .. asked end
  handle:respond({[":status"] = STATUS, ["location"] = location, ["content-type"] = "text/html"}, BODY)
end
"""


def lua_filter() -> dict[str, object]:
    """Return the filter that answers redirects; it does nothing on other routes."""
    return {"name": FILTER, "typed_config": {"@type": f"{_TYPE}.Lua"}}


def redirect(action: Redirect, listener: Listener) -> dict[str, object]:
    """Return the part of a route that answers with a redirect."""
    source = {"@type": f"{_TYPE}.LuaPerRoute", "source_code": {"inline_string": program(action, listener)}}
    # Every route needs an action; the filter has answered before this one is reached.
    return {"direct_response": {"status": 500}, "typed_per_filter_config": {FILTER: source}}


def program(action: Redirect, listener: Listener) -> str:
    """Return what answers: protocol and port of the listener are known by now, the rest is each request's."""
    protocol = "https" if listener.tls else "http"

    def known(text: str) -> str:
        return text.replace("#{port}", str(listener.port)).replace("#{protocol}", protocol)

    reason = _REASONS[action.status]
    values = {
        "BEGIN": known(action.protocol).lower() + "://",
        "HOST": known(action.host),
        "PORT": ":" + known(action.port),
        "PATH": known(action.path),
        "QUERY": known(action.query),
        "STATUS": str(action.status),
        "BODY": f"<html><head><title>{reason}</title></head><body><center><h1>{reason}</h1></center></body></html>",
    }
    text = _PROGRAM
    for name, value in values.items():
        text = text.replace(name, _quoted(value))
    return text


def _quoted(text: str) -> str:
    """Write a text as Lua does, every byte by its number: no value can end the string or mean something else."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'
