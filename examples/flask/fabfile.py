from fabscale import ns
