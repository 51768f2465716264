//go:build !unix

package nsqd

import "net"

// waiter stands for the one of Unix systems; elsewhere connections keep their read buffer.
type waiter struct{}

func newWaiter(net.Conn) *waiter { return nil }

func (*waiter) wait() (*scratch, int, error) { panic("nsqd: no waiter on this system") }
