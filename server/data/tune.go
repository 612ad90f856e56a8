package data

import (
	"net"
	"time"
)

// keepAlive probes an idle connection often enough for home routers, which
// forget one long before the two hours that RFC 5382 asks of them.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 15 * time.Second, Count: 4}
