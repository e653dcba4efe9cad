package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/node"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/internal/devnet/parent"
)

// runNode opens the node of a data folder and runs it until ctx ends, or until the
// process that started it does, if that asked for it.
func runNode(ctx context.Context, o nodeOptions) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := parent.WatchParent(cancel); err != nil {
		return err
	}
	n, err := node.Open(o.Dir, node.Options{Listen: o.Listen, API: o.API, Version: o.Version, Logger: o.Log})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%w: another process runs the node of %s: %w", api.ErrKeyInUse, o.Dir, err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	err = n.Run(ctx)
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", api.ErrKeyInUse, err)
	}
	return err
}
