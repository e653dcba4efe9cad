package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// Message implements api.Backend.
func (b *backend) Message(_ context.Context, peer proofs.NetworkID, index uint64) (*api.MessageProof, error) {
	p := b.n.pub.published.Load()
	if p == nil {
		return nil, classed(errNothingPublished)
	}
	head, ok := p.head(peer)
	if !ok || index >= head.End {
		return nil, fmt.Errorf("queue to %s: message %d of %d: %w", peer.Short(), index, head.End, api.ErrNotFound)
	}
	proof, err := proofs.ProveHead(b.n.zero.ID, p.heads, peer)
	if err != nil {
		return nil, err
	}
	log, err := b.n.state.ReadLog(mesh.OutLog(peer, head.Incarnation))
	if err != nil {
		return nil, classed(err)
	}
	out := &api.MessageProof{Header: p.header, Claim: proofs.MessageClaim{Head: *proof}}
	entries, err := log.Entries(index, index+1, maxStoredLen)
	if err != nil {
		return nil, classed(err)
	}
	if err := proofs.Decode(&out.Claim.Message, entries[0], maxStoredLen); err != nil {
		return nil, fmt.Errorf("queue entry %d: %w", index, err)
	}
	out.Claim.Branch, err = log.Inclusion(index, head.End)
	return out, classed(err)
}

// Unexecuted implements api.Backend.
func (b *backend) Unexecuted(_ context.Context, body proofs.Hash, expiry uint64) (*api.UnexecutedProof, error) {
	p := b.n.pub.published.Load()
	if p == nil {
		return nil, classed(errNothingPublished)
	}
	h := &p.header.Header
	if second := h.ExecutedTime / 1000; second < expiry {
		return nil, fmt.Errorf("bucket %d closes at that second; certified is second %d: %w", expiry, second, api.ErrUnavailable)
	}
	v, err := b.n.viewAt(h.Executed)
	if err != nil {
		return nil, classed(err)
	}
	out := &api.UnexecutedProof{Header: p.header, Claim: proofs.BodyAbsenceClaim{Body: body, Expiry: expiry}}
	_, waits, open, err := v.Prove(proofs.DedupKey(expiry, body))
	if err != nil {
		return nil, classed(err)
	}
	if waits {
		return nil, executedError(body)
	}
	if out.Claim.Open, err = open.AppendBinary(nil); err != nil {
		return nil, err
	}
	value, ok, proof, err := v.Prove(state.LogKey(execution.BucketLog(expiry)))
	if err != nil {
		return nil, classed(err)
	}
	if out.Claim.Bucket, err = proofs.NewStateEntry(value, ok, proof); err != nil || !ok {
		return out, err
	}
	return out, b.n.neighbours(&out.Claim, value)
}

func executedError(body proofs.Hash) error {
	return fmt.Errorf("body %x was executed: %w", body[:4], api.ErrRefused)
}

// neighbours finds the bodies around the one that is absent from its bucket, whose
// summary is given.
func (n *Node) neighbours(c *proofs.BodyAbsenceClaim, summary []byte) error {
	info, err := state.ParseLogInfo(summary)
	if err != nil {
		return err
	}
	log, err := n.state.ReadLog(execution.BucketLog(c.Expiry))
	if err != nil {
		return classed(err)
	}
	at := func(i uint64) (nb proofs.Neighbour, err error) {
		entries, err := log.Entries(i, i+1, len(nb.Body))
		if err == nil && len(entries[0]) != len(nb.Body) {
			err = errors.New("bucket entry is no body")
		}
		if err != nil {
			return nb, classed(err)
		}
		nb.Body = proofs.Hash(entries[0])
		nb.Branch, err = log.Inclusion(i, info.End())
		return nb, classed(err)
	}
	low, high := uint64(0), info.End()
	for low < high {
		mid := low + (high-low)/2
		nb, err := at(mid)
		switch {
		case err != nil:
			return err
		case bytes.Compare(nb.Body[:], c.Body[:]) < 0:
			low, c.Left = mid+1, nb
		case nb.Body == c.Body:
			return executedError(c.Body)
		default:
			high, c.Right = mid, nb
		}
	}
	c.Index = low
	return nil
}
