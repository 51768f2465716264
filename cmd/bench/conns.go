package bench

import (
	"context"
	"sync"
)

// onAll works on all connections at once. The first that fails ends the others.
func onAll(ctx context.Context, conns benchConns, work func(ctx context.Context, c *benchConn) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(conns))
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() {
			if errs[i] = work(ctx, c); errs[i] != nil {
				cancel()
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the others fail for the same reason, or because of this one
		}
	}
	return nil
}
