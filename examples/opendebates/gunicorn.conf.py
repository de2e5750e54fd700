"""gunicorn's settings, where its defaults do not suit servers that come and go."""

accesslog = "-"
graceful_timeout = 30
# Longer than the load balancer's idle time: never the server closes a connection that is about to be reused.
keepalive = 75
worker_class = "gthread"
threads = 8
# Its default path is shared by all servers of one user, and nobody asks through it.
control_socket_disable = True
