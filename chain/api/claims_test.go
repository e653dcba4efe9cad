package api_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

func (f *fakeNode) Message(_ context.Context, peer proofs.NetworkID, index uint64) (*api.MessageProof, error) {
	if peer != peerID || index > 0 {
		return nil, fmt.Errorf("message %d: %w", index, api.ErrNotFound)
	}
	return &api.MessageProof{Header: f.header, Claim: proofs.MessageClaim{Message: f.slice.Messages[0], Branch: []proofs.Hash{{1}}}}, nil
}

func (f *fakeNode) Unexecuted(_ context.Context, body proofs.Hash, expiry uint64) (*api.UnexecutedProof, error) {
	if expiry > 5 {
		return nil, fmt.Errorf("bucket %d: %w", expiry, api.ErrUnavailable)
	}
	return &api.UnexecutedProof{Header: f.header, Claim: proofs.BodyAbsenceClaim{Body: body, Expiry: expiry, Open: []byte{1}}}, nil
}

func TestClaims(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	ctx := t.Context()
	m, err := c.Message(ctx, peerID, 0)
	if err != nil || m.Claim.Message.ID() != f.slice.Messages[0].ID() || len(m.Claim.Branch) != 1 || m.Header.Header.ID() != f.header.Header.ID() {
		t.Fatalf("message: got %+v, %v", m, err)
	}
	if _, err := c.Message(ctx, peerID, 1); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("message: got %v, want %v", err, api.ErrNotFound)
	}
	u, err := c.Unexecuted(ctx, proofs.Hash{7}, 5)
	if err != nil || u.Claim.Body != (proofs.Hash{7}) || u.Claim.Expiry != 5 || len(u.Claim.Open) != 1 {
		t.Fatalf("unexecuted: got %+v, %v", u, err)
	}
	if _, err := c.Unexecuted(ctx, proofs.Hash{7}, 6); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("unexecuted: got %v, want %v", err, api.ErrUnavailable)
	}
}
