package proofs_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// scene is one verification from end to end: a source network with four equal
// validators and three queue heads, and a reader who has consumed five of the
// thirteen messages for it and is shown four more.
type scene struct {
	net      *prooftest.Network
	queue    *prooftest.Queue
	header   proofs.Header
	trust    proofs.Trust
	clock    proofs.Clock
	reader   proofs.NetworkID
	consumed merkle.Range
	slice    proofs.Slice
}

const (
	sceneSize     = 13
	sceneConsumed = 5
	sceneEnd      = 9
)

func newScene() *scene {
	n := prooftest.NewNetwork("alpha", prooftest.Even(1, 4)...)
	s := &scene{net: n, trust: n.Trust(), reader: prooftest.Peer(0x22)}
	s.queue = prooftest.NewQueue(n.ID(), s.reader, sceneSize)
	s.certify()
	return s
}

// certify makes header and slice anew from the queue as it is now.
func (s *scene) certify() {
	head := s.queue.Head()
	head.Begin, head.Acked, head.Settled = 2, 7, 6
	head.Outcomes = []proofs.Outcome{{Index: 1, Code: proofs.CodeDeadline}, {Index: 4, Code: proofs.CodeAsset}}
	s.net.Heads = []proofs.QueueHead{
		prooftest.NewQueue(s.net.ID(), prooftest.Peer(0x11), 1).Head(),
		head,
		prooftest.NewQueue(s.net.ID(), prooftest.Peer(0x33), 2).Head(),
	}
	s.header = s.net.Next()
	s.clock = proofs.Clock{Now: s.header.Time + 1}
	s.consumed = s.queue.Range(0, sceneConsumed)
	s.slice = s.net.Slice(s.net.Certify(s.header), s.queue, sceneConsumed, sceneEnd)
}

// sign certifies the header of the slice as it is now, by the members in who.
func (s *scene) sign(who ...int) {
	s.slice.Header = s.net.Certify(s.slice.Header.Header, who...)
}

// verify takes the slice over the wire and through all checks.
func (s *scene) verify() (*proofs.VerifiedSlice, error) {
	decoded, err := proofs.DecodeSlice(s.slice.MarshalCanoto())
	if err != nil {
		return nil, err
	}
	return s.verifyDecoded(decoded)
}

func (s *scene) verifyDecoded(slice *proofs.Slice) (*proofs.VerifiedSlice, error) {
	header, err := s.trust.VerifyHeader(&slice.Header, s.clock)
	if err != nil {
		return nil, err
	}
	head, err := header.VerifyHead(&slice.Proof, s.reader)
	if err != nil {
		return nil, err
	}
	return head.VerifyMessages(slice, s.consumed)
}

// refused shows that a scene is accepted as it is, and refused with want after
// change.
func refused(t *testing.T, name string, want error, change func(s *scene)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Helper()
		s := newScene()
		if _, err := s.verify(); err != nil {
			t.Fatalf("untouched: got %v, want it accepted", err)
		}
		change(s)
		v, err := s.verify()
		wantError(t, err, want)
		if v != nil {
			t.Error("got a verified slice together with an error")
		}
	})
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
}
