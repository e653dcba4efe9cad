package node

import (
	"context"
	"time"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/proofs"
)

// catchUp asks each node of this network that gets connected for the final blocks that this
// node lacks. The ordering core asks too, when a message tells it that it is
// behind; but in an idle network there is none, for as long as a heartbeat.
func (n *Node) catchUp(ctx context.Context) error {
	up := make(chan p2p.NodeKey, 64)
	n.host.Watch(func(k p2p.NodeKey, connected bool) {
		if !connected || !n.isMate(k) {
			return
		}
		select {
		case up <- k:
		default: // others are asked
		}
	})
	for {
		select {
		case <-ctx.Done():
			return nil
		case peer := <-up:
			n.catchUpFrom(ctx, peer)
		}
	}
}

// catchUpFrom takes blocks from one validator until it has no more. It goes on
// only as fast as blocks are executed.
func (n *Node) catchUpFrom(ctx context.Context, peer p2p.NodeKey) {
	for ctx.Err() == nil {
		from := n.status.Load().Order.Height + 1
		blocks, err := n.askBlocks(ctx, peer, from)
		if err != nil {
			return
		}
		n.core.post(ctx, consensus.FinalBlocksIn{From: proofs.NodeKey(peer), Blocks: blocks})
		last := blocks[len(blocks)-1].Block.Header.Height
		if !n.waitFor(ctx, func() bool {
			s := n.status.Load()
			return s.Order.Height >= last && s.Backlog < maxBacklog/2
		}) {
			return
		}
	}
}

// waitFor polls for ok; it gives up after a while.
func (n *Node) waitFor(ctx context.Context, ok func() bool) bool {
	for range 500 {
		if ok() {
			return true
		}
		if !sleep(ctx, 10*time.Millisecond) {
			return false
		}
	}
	return false
}
