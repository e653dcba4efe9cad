package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// execute runs ordered blocks one after the other until ctx ends.
func (n *Node) execute(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-n.jobs:
			if err := n.executeBlock(ctx, &j); err != nil {
				return fmt.Errorf("node: block %d: %w", j.Final.Block.Header.Height, err)
			}
		}
	}
}

// executeBlock runs one block, commits the state, and tells everybody.
func (n *Node) executeBlock(ctx context.Context, j *job) error {
	h := &j.Final.Block.Header
	if h.Height <= n.state.Version() {
		return nil // executed before a restart
	}
	items, err := n.items(j)
	if err != nil {
		return err
	}
	tx, err := n.state.Begin(h.Height)
	if err != nil {
		return err
	}
	defer tx.Discard()
	block := &execution.Block{Height: h.Height, Time: h.Time, Epoch: h.Epoch, Set: j.set, Items: items}
	res, err := n.engine.Execute(&stateTx{Tx: tx}, block)
	if err != nil {
		return err
	}
	root, err := tx.Commit(false)
	if err != nil {
		return err
	}
	done, err := n.results(h.Height, h.Time, root, res.Heads, res.NextSet)
	if err != nil {
		return err
	}
	n.executed(ctx, j, done, res)
	return nil
}

// items reads what the block orders and checks the signatures of its external
// messages, many at once.
func (n *Node) items(j *job) ([]execution.Item, error) {
	var items []execution.Item
	var externals []*types.External
	var places []int
	for i := range j.Cars {
		car := &j.Cars[i]
		for _, digest := range car.Batches {
			b, err := n.blocks.batch(digest)
			if err != nil {
				return nil, fmt.Errorf("batch %x of lane %d: %w", digest[:4], car.Lane, err)
			}
			for k := range b.Items {
				item := execution.Item{Lane: car.Lane, Item: b.Items[k]}
				if item.Item.Kind == types.ItemExternal {
					if x, err := types.DecodeExternal(item.Item.Data); err == nil {
						item.External = x
						externals, places = append(externals, x), append(places, len(items))
					}
				}
				items = append(items, item)
			}
		}
	}
	if len(externals) > 0 {
		for k, ok := range types.VerifyExternals(externals) {
			items[places[k]].SigOK = ok
		}
	}
	return items, nil
}

// results is what later headers carry of the block at height.
func (n *Node) results(height, time uint64, root merkle.Hash, heads []proofs.QueueHead, next *proofs.ValidatorSet) (*types.Executed, error) {
	outbound, err := proofs.OutboundRoot(n.zero.ID, time, heads)
	if err != nil {
		return nil, err
	}
	e := &types.Executed{Height: height, Time: time, StateRoot: root, OutboundRoot: outbound, ReceiptRoot: merkle.EmptyRoot(), NextSet: next}
	log, err := n.state.ReadLog(execution.ReceiptLog)
	if errors.Is(err, state.ErrNoLog) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	e.ReceiptSize = log.End()
	e.ReceiptRoot, err = log.RootAt(e.ReceiptSize)
	return e, err
}

// resultsAgain recomputes the results of an executed block from the state that is
// kept of it, after a restart.
func (n *Node) resultsAgain(height uint64) (*types.Executed, error) {
	if height == 0 {
		e, err := consensus.ZeroExecuted(n.zero)
		return &e, err
	}
	f, err := n.blocks.final(height)
	if err != nil {
		return nil, fmt.Errorf("executed block %d: %w", height, err)
	}
	v, err := n.viewAt(height)
	if err != nil {
		return nil, err
	}
	heads, err := n.rules.Heads(v)
	if err != nil {
		return nil, err
	}
	next, err := n.rules.NextSet(v)
	if err != nil {
		return nil, err
	}
	outbound, err := proofs.OutboundRoot(n.zero.ID, f.Block.Header.Time, heads)
	if err != nil {
		return nil, err
	}
	log, err := v.LogInfo(execution.ReceiptLog)
	if err != nil {
		return nil, err
	}
	root, err := log.Range.Root()
	if err != nil {
		return nil, err
	}
	return &types.Executed{
		Height: height, Time: f.Block.Header.Time, StateRoot: v.Root(), OutboundRoot: outbound,
		ReceiptRoot: root, ReceiptSize: log.End(), NextSet: next,
	}, nil
}

// executed tells the core, the clients, the mesh and the traces about a block.
func (n *Node) executed(ctx context.Context, j *job, done *types.Executed, res *execution.Result) {
	now := n.now()
	n.core.post(ctx, consensus.ExecutedIn{Executed: *done})
	n.logBlock(j, res)
	n.ingress.executed(now, j, done, res.Receipts)
	if err := n.traces.executed(now, j, res); err != nil {
		n.log.Error("trace not kept", "height", done.Height, "error", err)
	}
	n.pub.wake()
	n.mesh.StateChanged()
	n.pulse.beat()
}

// logBlock reports what a block did that an operator may want to know.
func (n *Node) logBlock(j *job, res *execution.Result) {
	h := &j.Final.Block.Header
	if len(res.Receipts) > 0 || len(res.Notes) > 0 {
		n.log.Debug("block executed", "height", h.Height, "receipts", len(res.Receipts), "mesh", len(res.Notes), "gas", res.Gas, "waiting", res.Waiting)
	}
	for _, c := range res.Charges {
		level := slog.LevelWarn
		if c.Reason.Honest() {
			level = slog.LevelDebug
		}
		n.log.Log(context.Background(), level, "a lane carried what is void", "lane", c.Lane, "height", h.Height, "item", c.Item, "reason", c.Reason)
	}
	for i := range res.Notes {
		n.logNote(h.Height, &res.Notes[i])
	}
}

// logNote reports what became of a mesh item. That one brings nothing new is
// common: two validators carried the same.
func (n *Node) logNote(height uint64, note *execution.Note) {
	at := []any{"peer", note.Peer.Short(), "kind", note.Kind, "lane", note.Lane, "height", height, "peer_height", note.Height}
	switch {
	case note.Fault:
		n.log.Warn("a lane carried a mesh item that cannot verify", append(at, "error", note.Err)...)
	case note.Applied && stopsLink(note.Err):
		n.log.Error("a link stops", append(at, "error", note.Err)...)
	case note.Err != nil:
		n.log.Debug("mesh item not taken", append(at, "error", note.Err)...)
	default:
		n.log.Debug("mesh item taken", append(at, "first", note.First, "count", note.Count)...)
	}
}

// stopsLink reports whether what a mesh item proved ends a link until governance
// or an upgrade does something about it.
func stopsLink(err error) bool {
	for _, kind := range []error{proofs.ErrDiverged, proofs.ErrEquivocation, proofs.ErrExpired, proofs.ErrVersion} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// genesis writes the zero-state into an empty store.
func (n *Node) genesis(entries []merkle.KV) error {
	tx, err := n.state.Begin(0)
	if err != nil {
		return err
	}
	defer tx.Discard()
	for _, kv := range entries {
		tx.Set(kv.Key, kv.Value)
	}
	root, err := tx.Commit(true)
	if err != nil {
		return err
	}
	if root != n.zero.StateRoot {
		return fmt.Errorf("zero-state: got root %x, want %x: %w", root[:4], n.zero.StateRoot[:4], proofs.ErrRoot)
	}
	return nil
}
