package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

// conservation collects one asset from its home and from peers.
type conservation struct {
	home         *prover
	peers        []*prover // peers rise
	incarnations []uint64  // of the links, as the home has them
	asset        proofs.Hash
}

func getConservation(c *cli.Context, p *prover, k *known) (*proofs.File, error) {
	if err := noArgs(c); err != nil {
		return nil, err
	}
	addrs := c.StringSlice("peer-node")
	if len(addrs) == 0 {
		return nil, usage("--peer-node is missing: a node of each network whose vouchers are to be counted")
	}
	g := &conservation{home: p}
	if name := c.String("asset"); name != "" {
		var err error
		if g.asset, err = proofs.ParseHash(name); err != nil {
			return nil, err
		}
	}
	for _, addr := range addrs {
		client, err := api.Dial(addr)
		if err != nil {
			return nil, err
		}
		defer client.Close()
		peer, err := newProver(c.Context, client, p.now)
		if err != nil {
			return nil, err
		}
		g.peers = append(g.peers, peer)
	}
	slices.SortFunc(g.peers, func(a, b *prover) int { return bytes.Compare(a.zero.ID[:], b.zero.ID[:]) })
	for _, peer := range g.peers {
		l, ok := k.link(peer.zero.ID)
		if !ok {
			return nil, fmt.Errorf("network %s of node %s: no link of network %s: %w", peer.zero.ID, peer.client.Addr(), p.zero.ID.Short(), api.ErrNotFound)
		}
		if l.Incarnation == 0 || l.Incarnation > proofs.MaxFileIncarnations {
			return nil, fmt.Errorf("link with %s: got incarnation %d, want 1 to %d: %w", peer.zero.ID.Short(), l.Incarnation, proofs.MaxFileIncarnations, api.ErrProof)
		}
		g.incarnations = append(g.incarnations, l.Incarnation)
	}
	return g.get(c.Context)
}

// get asks all networks at once until their states fit together.
func (g *conservation) get(ctx context.Context) (*proofs.File, error) {
	for attempt := 1; ; attempt++ {
		f, err := g.once(ctx)
		if err != nil {
			return nil, err
		}
		_, err = f.Verify(g.home.zero.ID, proofs.Reading{Now: g.home.now()})
		if err == nil || attempt == cutAttempts || !errors.Is(err, proofs.ErrCut) {
			return f, nil // the caller verifies it, and says why it does not
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(cutPause):
		}
	}
}

// side is what one network proves.
type side struct {
	proof   *api.StateProof
	entries []proofs.StateEntry
}

func (g *conservation) once(ctx context.Context) (*proofs.File, error) {
	home := g.home.zero.ID
	asset := proofs.NewAssetID(home, g.asset)
	keys := [][][]byte{proofs.HomeKeys(g.asset)}
	for i, p := range g.peers {
		keys[0] = append(keys[0], proofs.LinkKeys(home, p.zero.ID, g.incarnations[i], asset)...)
		keys = append(keys, proofs.LinkKeys(p.zero.ID, home, g.incarnations[i], asset))
	}
	provers := append([]*prover{g.home}, g.peers...)
	sides := make([]side, len(provers))
	group, gctx := errgroup.WithContext(ctx)
	for i, p := range provers {
		group.Go(func() (err error) {
			sides[i].proof, sides[i].entries, err = p.entries(gctx, keys[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	n := len(proofs.HomeKeys(g.asset))
	claim, f := &proofs.ConservationClaim{Asset: g.asset, Home: sides[0].entries[:n]}, &proofs.File{}
	rest := sides[0].entries[n:]
	for i := range g.peers {
		size := len(keys[i+1])
		claim.Peers = append(claim.Peers, proofs.LinkClaim{Home: rest[:size], Abroad: sides[i+1].entries})
		rest = rest[size:]
	}
	f.Claim = claim
	for i, p := range provers {
		chain, _, err := p.chain(ctx, &sides[i].proof.Header)
		if err != nil {
			return nil, err
		}
		f.Chains = append(f.Chains, *chain)
	}
	return f, nil
}
