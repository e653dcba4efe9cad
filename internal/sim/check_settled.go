package sim

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
)

// unsettled says what is missing until nothing is left to do: every honest node is
// up and at the same height, everything that it holds is ordered and executed, the
// newest header certifies the newest state, and no message is between networks.
func (w *World) unsettled() string {
	for _, n := range w.nodes {
		if !n.honest() {
			continue
		}
		if missing := n.unsettled(); missing != "" {
			return fmt.Sprintf("node %d %s", n.index, missing)
		}
	}
	for _, net := range w.nets {
		if missing := net.inFlight(); missing != "" {
			return missing
		}
	}
	return ""
}

func (n *Node) unsettled() string {
	if !n.up() {
		return "is down"
	}
	finals, st := n.disk.chain.live.finals, &n.disk.state
	if uint64(len(finals)) != n.net.ledger.height {
		return fmt.Sprintf("has %d final blocks of %d", len(finals), n.net.ledger.height)
	}
	if st.version() != uint64(len(finals)) {
		return fmt.Sprintf("has executed block %d of %d", st.version(), len(finals))
	}
	e := st.newest()
	if len(finals) > 0 {
		if h := &finals[len(finals)-1].Block.Header; h.StateRoot != e.StateRoot || h.ReceiptRoot != e.ReceiptRoot {
			return fmt.Sprintf("has a root after block %d that is not certified", e.Height)
		}
	}
	if len(n.disk.chain.live.own) > 0 {
		return "has a batch of its own that is not ordered"
	}
	return ""
}

// inFlight looks for messages between networks.
func (net *network) inFlight() string {
	if net.ledger.world.other(net) == nil {
		return ""
	}
	for _, n := range net.nodes {
		heads := n.disk.state.heads[n.disk.state.version()]
		if len(heads) == 0 {
			return fmt.Sprintf("node %d has no peer yet", n.index)
		}
		if h := &heads[0]; h.Begin != h.End {
			return fmt.Sprintf("node %d waits for messages %d to %d to be settled", n.index, h.Begin, h.End)
		}
	}
	return ""
}

// final checks, when all is done, what could not be checked before.
func (w *World) final() {
	for _, net := range w.nets {
		l := net.ledger
		for _, digest := range l.data.must {
			if !l.findBatch(digest) {
				w.fail("a batch of a final block cannot be had any more")
				return
			}
		}
		l.acknowledgedAreExecuted()
		if other := w.other(net); other != nil && w.unsettled() == "" && l.value.vouchers != other.ledger.value.claim {
			w.fail("vouchers for %s circulate, %s is escrowed, and nothing is under way", l.value.vouchers, other.ledger.value.claim)
		}
	}
}

// acknowledgedAreExecuted checks that every message of an acknowledged batch was
// executed: none of them expires during a run.
func (l *ledger) acknowledgedAreExecuted() {
	for _, n := range l.net.nodes {
		for digest, b := range n.disk.chain.live.batches { // any missing one fails the run
			if !l.data.acked[digest] {
				continue
			}
			for i := range b.Items {
				if b.Items[i].Kind != types.ItemExternal {
					continue
				}
				x, err := types.DecodeExternal(b.Items[i].Data)
				if err == nil && l.value.externals[x.Body()] == 0 {
					l.world.fail("a message that was acknowledged was not executed")
					return
				}
			}
		}
	}
}
