package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

// minPrefix is the fewest digits that stand for a network.
const minPrefix = 6

// known is what a node says of its own network and of those linked to it.
type known struct {
	info  *api.Info
	links []api.Link
}

func surroundings(ctx context.Context, client *api.Client) (*known, error) {
	info, err := client.Info(ctx)
	if err != nil {
		return nil, err
	}
	links, err := client.Links(ctx)
	if err != nil {
		return nil, err
	}
	return &known{info: info, links: links}, nil
}

// verify takes the parameters from the zero-header, which hashes to the network's
// id: a node cannot invent decimals for an id that the user knows.
func (k *known) verify(ctx context.Context, client *api.Client) error {
	z, err := client.Zero(ctx)
	if err != nil {
		return err
	}
	zero, err := z.CheckID(k.info.Network)
	if err != nil {
		return fmt.Errorf("%w: %w", api.ErrProof, err)
	}
	k.info.Parameters = zero.Parameters
	return nil
}

func (k *known) link(id proofs.NetworkID) (*api.Link, bool) {
	i := slices.IndexFunc(k.links, func(l api.Link) bool { return l.Peer == id })
	if i < 0 {
		return nil, false
	}
	return &k.links[i], true
}

// network finds a network by its id in full, or, among those known, by a unique
// prefix of it or by its name. Names are what networks call themselves.
func (k *known) network(s string) (proofs.NetworkID, error) {
	var id proofs.NetworkID
	if len(s) == 2*len(id) {
		return id, id.UnmarshalText([]byte(s))
	}
	found := map[proofs.NetworkID]bool{}
	match := func(id proofs.NetworkID, name string) {
		if name == s || len(s) >= minPrefix && strings.HasPrefix(id.String(), strings.ToLower(s)) {
			found[id] = true
		}
	}
	match(k.info.Network, k.info.Parameters.Name)
	for _, l := range k.links {
		match(l.Peer, l.Name)
	}
	if len(found) > 1 {
		return id, usage("network %q: %d networks match, want one: give more of its id", s, len(found))
	}
	for id := range found {
		return id, nil
	}
	return id, fmt.Errorf("network %.80q: neither this network nor a link of the node (a prefix has at least %d digits): %w", s, minPrefix, api.ErrNotFound)
}

// recipient reads ACCOUNT or NETWORK:ACCOUNT.
func (k *known) recipient(s string) (network proofs.NetworkID, account proofs.AccountID, err error) {
	network = k.info.Network
	at, acc, abroad := strings.Cut(s, ":")
	if !abroad {
		return network, account, account.UnmarshalText([]byte(s))
	}
	if network, err = k.network(at); err != nil {
		return network, account, err
	}
	return network, account, account.UnmarshalText([]byte(acc))
}

// assetID reads an asset: nothing is the network's own, a network stands for that
// network's own, and 128 digits are an asset's id.
func (k *known) assetID(s string) (id proofs.AssetID, err error) {
	switch {
	case s == "":
		return proofs.NativeAsset, nil
	case len(s) == 2*len(id):
		if err := id.UnmarshalText([]byte(s)); err != nil {
			return id, err
		}
	default:
		network, err := k.network(s)
		if err != nil {
			return id, err
		}
		id = proofs.NewAssetID(network, proofs.Hash{})
	}
	return id.At(k.info.Network), nil
}

// asset names an asset and gives the places after its point; 0 if not known.
func (k *known) asset(id proofs.AssetID) (name string, decimals uint8) {
	if id.Local() != (proofs.Hash{}) {
		return "unnamed", 0
	}
	if id.Origin() == proofs.HomeNetwork {
		return k.info.Parameters.Symbol, k.info.Parameters.Decimals
	}
	if l, ok := k.link(id.Origin()); ok && l.Symbol != "" {
		return l.Symbol + "@" + id.Origin().Short(), l.Decimals
	}
	return "unnamed@" + id.Origin().Short(), 0
}

// name is how tables call a network.
func (k *known) name(id proofs.NetworkID) string {
	if id == k.info.Network {
		return k.info.Parameters.Name
	}
	if l, ok := k.link(id); ok && l.Name != "" {
		return l.Name
	}
	return id.Short()
}
