package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
	"github.com/isthmus-network/isthmus/proofs"
)

// What a node has admitted waits in its lane through a restart, is known to it,
// and is executed once.
func TestAdmittedSurvivesRestart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := makeNetwork(t, "a", nil)
	node := n.nodes[0]
	node.start() // alone: nothing is ordered
	x := n.transfer(0, n.zero, 1, 7)
	id := n.submit(0, x)
	for range 2 {
		if err := node.stop(); err != nil {
			t.Fatal(err)
		}
		node.start()
		if s, err := node.api().Status(ctx, id); err != nil || s.Stage != api.StageBatched {
			t.Fatalf("after a restart: got %+v, %v", s, err)
		}
		if _, err := node.api().Submit(ctx, x.MarshalCanoto()); !errors.Is(err, api.ErrDuplicate) {
			t.Errorf("again: got %v, want ErrDuplicate", err)
		}
	}
	for _, other := range n.nodes[1:] {
		other.start()
	}
	if r := n.receipt(id); r.Code != proofs.CodeOK {
		t.Errorf("got %v", r.Code)
	}
	n.settled()
	for _, node := range n.nodes {
		if got := executedBodies(t, node.up())[x.Body()]; got != 1 {
			t.Errorf("%s executed it %d times", node.name, got)
		}
	}
	if _, err := n.nodes[1].api().Submit(ctx, x.MarshalCanoto()); !errors.Is(err, api.ErrDuplicate) {
		t.Errorf("elsewhere: got %v, want ErrDuplicate", err)
	}
	eventually(t, "its owner forgets the batch", func() string {
		var left int
		err := n.nodes[0].up().chainDB.Iterate(store.Prefix([]byte{keyOwn}), func(_, _ []byte) (bool, error) { left++; return true, nil })
		if err != nil || left > 0 {
			return fmt.Sprint(left, err)
		}
		return ""
	})
}

// A node whose state stops in the middle of a commit, and loses every commit that
// was not synced, executes its final blocks again and comes to the same root.
func TestStateIsExecutedAgain(t *testing.T) {
	t.Parallel()
	n := makeNetwork(t, "a", nil)
	node := n.nodes[2]
	disk1, stateDisk := storetest.New(1), storetest.New(2)
	node.opt.disk = &disk{fs: disk1, db: func(dir string) (*store.DB, error) {
		if dir == node.dir+"/"+dirState {
			return store.OpenStorage(storetest.NewStorage(stateDisk, dir))
		}
		return store.OpenStorage(storetest.NewStorage(disk1, dir))
	}}
	n.start()
	for round := range 4 {
		for i := range 5 {
			n.pay(i % validators)
		}
		stateDisk.CrashAfter(round)
		var id proofs.Hash
		eventually(t, "the state's disk fails", func() string {
			if stateDisk.Crashed() && id != (proofs.Hash{}) {
				return ""
			}
			id = n.submit(0, n.transfer(1, n.zero, 2, 1)) // the others go on
			return "not yet"
		})
		last := node.up().state.Version()
		_ = node.stop() // with the error of its disk
		stateDisk.Crash()
		var restored uint64
		node.opened = func(n *Node) { restored = n.state.Version() }
		node.start()
		if restored > last {
			t.Fatalf("restored %d of %d blocks", restored, last)
		}
		n.receipt(id)
		n.settled()
		t.Logf("executed up to %d, restored %d", last, restored)
	}
}

// A validator that was down for several epochs catches up and votes again.
func TestBackAfterEpochs(t *testing.T) {
	t.Parallel()
	var votes atomic.Uint64 // the epoch of the latest vote of the one that was down
	n := makeNetwork(t, "a", func(p *proofs.Parameters) { p.EpochDuration, p.Heartbeat = 1000, 300 })
	late, lateKey := n.nodes[3], n.zero.Set.At(3).Node
	n.nodes[0].opt.tap = func(event any) {
		if v, ok := event.(consensus.VoteIn); ok && v.From == lateKey {
			votes.Store(max(votes.Load(), v.Vote.Epoch))
		}
	}
	n.start()
	n.pay(3)
	if err := late.stop(); err != nil {
		t.Fatal(err)
	}
	epoch := func(i int) uint64 { return n.nodes[i].up().status.Load().Order.Epoch }
	from := epoch(0)
	var paid []proofs.Hash
	eventually(t, "four epochs pass", func() string {
		paid = append(paid, n.submit(len(paid)%3, n.transfer(0, n.zero, 1, 1)))
		time.Sleep(50 * time.Millisecond)
		if got := epoch(0); got < from+4 {
			return fmt.Sprintf("epoch %d, began with %d", got, from)
		}
		return ""
	})
	back := epoch(0)
	late.start()
	eventually(t, "it votes", func() string {
		if got := votes.Load(); got < back {
			return fmt.Sprintf("last in epoch %d, now is %d: %+v", got, epoch(0), late.up().status.Load().Order)
		}
		return ""
	})
	for _, id := range paid {
		n.receipt(id)
	}
	n.pay(3)
	n.settled()
}

// With nothing to do a network is silent but for its heartbeat.
func TestIdleNetworkIsQuiet(t *testing.T) {
	t.Parallel()
	var events atomic.Int64
	n := makeNetwork(t, "a", func(p *proofs.Parameters) { p.Heartbeat = 1 << 40; p.EpochDuration = 3 << 40; p.TrustPeriod = 14 << 40 })
	for _, node := range n.nodes {
		node.opt.tap = func(any) { events.Add(1) }
	}
	n.start()
	for i := range validators {
		n.pay(i)
	}
	n.govern(actOfNobody)
	last := n.settled()
	quiet := func() int64 {
		before := events.Load()
		time.Sleep(time.Second)
		return events.Load() - before
	}
	eventually(t, "it becomes quiet", func() string {
		if got := quiet(); got > 0 {
			return fmt.Sprintf("%d events in a second", got)
		}
		return ""
	})
	if got := quiet() + quiet(); got > 0 {
		t.Errorf("got %d events in two seconds", got)
	}
	if got := n.settled(); got > last+4 {
		t.Errorf("it made blocks up to %d, the last of use was %d", got, last)
	}
	n.pay(2) // and it wakes up at once
}

// Whoever waits for an answer while the node stops gets one.
func TestSubmitEndsWithTheNode(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, "a", nil)
	up := n.nodes[0].up()
	if err := n.nodes[0].stop(); err != nil {
		t.Fatal(err)
	}
	_, err := up.ingress.submit(context.Background(), n.transfer(0, n.zero, 1, 1).MarshalCanoto())
	if !errors.Is(err, errEnded) || !errors.Is(classed(err), api.ErrUnavailable) {
		t.Errorf("got %v, want errEnded", err)
	}
}
