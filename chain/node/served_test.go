package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// What a node serves of a queue, in parts of any size, verifies with nothing but
// the zero-header.
func TestServedSlicesVerify(t *testing.T) {
	t.Parallel()
	a, b := startNetwork(t, "a", nil), startNetwork(t, "b", nil)
	link(a, b)
	for _, n := range b.nodes { // nobody takes what is sent now
		if err := n.stop(); err != nil {
			t.Fatal(err)
		}
	}
	const count = 7
	var ids []proofs.Hash
	for range count {
		ids = append(ids, a.submit(0, a.transfer(0, b.zero, 1, 3)))
	}
	for _, id := range ids {
		a.receipt(id)
	}
	n := a.nodes[2].up()
	s := served{n}
	eventually(t, "all are certified", func() string {
		head, _, ok, err := s.Head(b.zero.ID)
		if err != nil || !ok || head.End != count {
			return fmt.Sprintf("%+v, %v, %v", head, ok, err)
		}
		return ""
	})
	z, err := s.Zero()
	if err != nil {
		t.Fatal(err)
	}
	zero, err := z.CheckID(a.zero.ID)
	if err != nil {
		t.Fatal(err)
	}
	trust := proofs.NewTrust(zero)
	for _, c := range []struct{ messages, bytes, least int }{{count, proofs.MaxSliceBytes, count}, {2, proofs.MaxSliceBytes, 2}, {count, 1, 1}, {1, proofs.MaxSliceBytes, 1}} {
		consumed := merkle.Range{}
		for consumed.End() < count {
			slice, err := s.Slice(b.zero.ID, consumed.End(), c.messages, c.bytes)
			if err != nil {
				t.Fatal(err)
			}
			vs, err := verifySlice(&trust, slice, b.zero.ID, consumed)
			if err != nil {
				t.Fatalf("at most %d messages and %d bytes, from %d: %v", c.messages, c.bytes, consumed.End(), err)
			}
			if got := len(vs.Messages()); got > c.messages || got < min(c.least, count-int(consumed.End())) {
				t.Fatalf("at most %d messages, from %d: got %d", c.messages, consumed.End(), got)
			}
			if after := vs.Consumed(); (after.End() == count) != (len(slice.Right) == 0) {
				t.Errorf("slice up to %d of %d has %d hashes behind it", after.End(), count, len(slice.Right))
			}
			consumed = vs.Consumed()
		}
		head, err := s.Slice(b.zero.ID, count, 9, proofs.MaxSliceBytes)
		if err != nil || len(head.Messages) != 0 {
			t.Fatalf("from the end: got %+v, %v", head, err)
		}
		if _, err := verifySlice(&trust, head, b.zero.ID, consumed); err != nil {
			t.Errorf("the head alone: %v", err)
		}
	}
	if slice, err := s.Slice(proofs.NetworkID{5}, 0, 1, 1000); slice != nil || err != nil {
		t.Errorf("for a stranger: got %v, %v", slice, err)
	}
	if _, err := a.nodes[2].api().Slice(context.Background(), b.zero.ID, count+1, 9); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("beyond the end: got %v, want ErrNotFound", err)
	}
}

func verifySlice(trust *proofs.Trust, s *proofs.Slice, reader proofs.NetworkID, consumed merkle.Range) (*proofs.VerifiedSlice, error) {
	s, err := proofs.DecodeSlice(s.MarshalCanoto())
	if err != nil {
		return nil, err
	}
	header, err := trust.VerifyHeader(&s.Header, proofs.Clock{Now: uint64(time.Now().UnixMilli())})
	if err != nil {
		return nil, err
	}
	head, err := header.VerifyHead(&s.Proof, reader)
	if err != nil {
		return nil, err
	}
	return head.VerifyMessages(s, consumed)
}

func stepNames(steps []api.Step) (names []string) {
	for _, s := range steps {
		names = append(names, s.Name)
	}
	return names
}

// inOrder reports which of the wanted steps does not follow the one before it.
func inOrder(steps []api.Step, want ...string) string {
	for _, s := range steps {
		if len(want) > 0 && s.Name == want[0] {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		return fmt.Sprintf("%s is missing in %v", want[0], stepNames(steps))
	}
	return ""
}

// A trace names each step of a message with its time, at both ends.
func TestTraceNamesEachStep(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a, b := startNetwork(t, "a", nil), startNetwork(t, "b", nil)
	link(a, b)
	began := uint64(time.Now().UnixMilli())
	id := a.submit(1, a.transfer(0, b.zero, 2, 9))
	a.crossed(id, b)
	var ref proofs.EmittedRef
	eventually(t, "trace at a", func() string {
		tr, err := a.nodes[1].api().Trace(ctx, id)
		if err != nil {
			return err.Error()
		}
		if len(tr.Emitted) != 1 {
			return "nothing emitted"
		}
		ref = tr.Emitted[0].Ref
		for _, s := range append(tr.Steps, tr.Emitted[0].Steps...) {
			if s.Time < began || s.Time > uint64(time.Now().UnixMilli()) {
				t.Fatalf("step %s at %d, began at %d", s.Name, s.Time, began)
			}
		}
		if why := inOrder(tr.Steps, api.StepReceived, api.StepBatched, api.StepAcknowledged, api.StepOrdered, api.StepExecuted, api.StepCertified); why != "" {
			return why
		}
		return inOrder(tr.Emitted[0].Steps, api.StepEmitted, api.StepAcked, api.StepSettled)
	})
	eventually(t, "trace at b", func() string {
		tr, err := b.nodes[3].api().TraceMessage(ctx, a.zero.ID, ref.Incarnation, ref.Index)
		if err != nil {
			return err.Error()
		}
		if tr.ID != ref.ID || !tr.Done {
			t.Fatalf("got %+v", tr)
		}
		return inOrder(tr.Steps, api.StepInducted, api.StepExecuted, api.StepCertified)
	})
	// A node that did not admit it knows what the chain knows.
	tr, err := a.nodes[0].api().Trace(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if why := inOrder(tr.Steps, api.StepExecuted, api.StepCertified); why != "" {
		t.Error(why)
	}
	for _, err := range []error{
		func() error { _, err := a.nodes[0].api().Trace(ctx, proofs.Hash{1}); return err }(),
		func() error { _, err := b.nodes[0].api().TraceMessage(ctx, a.zero.ID, 1, 99); return err }(),
	} {
		if !errors.Is(err, api.ErrNotFound) {
			t.Errorf("of what is not known: got %v, want ErrNotFound", err)
		}
	}
}
