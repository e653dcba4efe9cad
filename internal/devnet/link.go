package devnet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// GasRate is what a gas abroad costs at home, in units, on links made here.
const GasRate = 1

// errNobody: no validator of a network runs, or none that runs can tell.
var errNobody = errors.New("no running validator can tell")

// Link registers every network with every other by governance, where that is not
// done, and waits until all links are active and each network has consumed a key
// block of each other.
func (d *Devnet) Link(ctx context.Context) error {
	for _, net := range d.networks {
		for _, peer := range d.networks {
			if peer == net {
				continue
			}
			if err := d.register(ctx, net, peer); err != nil {
				return err
			}
		}
	}
	return d.WaitLinked(ctx)
}

// WaitLinked waits until all links are active and each network has consumed a key
// block of each other.
func (d *Devnet) WaitLinked(ctx context.Context) error {
	limit := d.o.Patience + 4*d.o.Epoch
	err := d.await(ctx, "waiting for the links", limit, func(ctx context.Context) string {
		var missing []string
		for _, net := range d.networks {
			links, err := net.links(ctx)
			if err != nil {
				missing = append(missing, fmt.Sprintf("links of %s (%v)", net.name, err))
				continue
			}
			for _, peer := range d.networks {
				if why := unlinked(links, peer); peer != net && why != "" {
					missing = append(missing, net.name+" with "+peer.name+": "+why)
				}
			}
		}
		return strings.Join(missing, "; ")
	})
	if err == nil {
		d.progress("", "all links are active")
	}
	return err
}

// unlinked says what the link to peer lacks, nothing if it works.
func unlinked(links []api.Link, peer *network) string {
	l := linkTo(links, peer.zero.ID)
	switch {
	case l == nil:
		return "not registered"
	case l.State != api.PeerActive:
		return withReasons(l.State, l)
	case l.KeyHeight == 0:
		return withReasons("active, no key block consumed", l)
	}
	return ""
}

func withReasons(text string, l *api.Link) string {
	for _, why := range []string{l.Reason, l.FollowerError} {
		if why != "" {
			text += ", " + why
		}
	}
	return text
}

func linkTo(links []api.Link, peer proofs.NetworkID) *api.Link {
	for i := range links {
		if links[i].Peer == peer {
			return &links[i]
		}
	}
	return nil
}

// links returns what a node of the network says, the first that answers.
func (net *network) links(ctx context.Context) ([]api.Link, error) {
	errs := []error{errNobody}
	for _, n := range net.byHope() {
		limited, cancel := context.WithTimeout(ctx, callLimit)
		links, err := n.client.Links(limited)
		cancel()
		if err == nil {
			return links, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// register makes peer a peer of net, by an act that one validator proposes and
// the others approve.
func (d *Devnet) register(ctx context.Context, net, peer *network) error {
	what := fmt.Sprintf("registering %s in %s", peer.name, net.name)
	proposed := false
	err := d.await(ctx, what, d.o.Patience, func(ctx context.Context) string {
		links, err := net.links(ctx)
		if err != nil {
			return err.Error()
		}
		if linkTo(links, peer.zero.ID) != nil {
			return ""
		}
		id, missing := net.registration(ctx, peer)
		if id == (proofs.Hash{}) {
			return missing
		}
		if !proposed {
			proposed = true
			d.progress(net.name, "%s: act %x is proposed", what, id[:4])
		}
		return missing
	})
	if err == nil {
		d.progress(net.name, "%s is registered in %s", peer.name, net.name)
	}
	return err
}

// registration finds the act that is under way, or proposes one, and has every
// validator approve it. It returns what is missing.
func (net *network) registration(ctx context.Context, peer *network) (id proofs.Hash, missing string) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	proposer := net.first()
	if proposer == nil {
		return id, errNobody.Error()
	}
	acts, err := proposer.admin.Acts(ctx)
	if err != nil {
		return id, fmt.Sprintf("acts of %s: %v", proposer.name, err)
	}
	if act := underWay(acts, peer.zero.ID); act != nil {
		text := fmt.Sprintf("act %x is %s, approved by weight %d of %d", act.ID[:4], act.State, act.Weight, act.Total)
		return act.ID, strings.Join(append([]string{text}, net.approve(ctx, act)...), "; ")
	}
	p := &peer.zero.Parameters
	id, err = proposer.admin.Propose(ctx, types.Act{
		Kind: types.ActRegister, Peer: peer.zero.ID, NetworkKind: "native",
		Window: p.LinkWindow, GasRate: GasRate, TrustPeriod: p.TrustPeriod,
	})
	if err != nil {
		return proofs.Hash{}, fmt.Sprintf("%s proposes: %v%s", proposer.name, err, lastWords(acts, peer.zero.ID))
	}
	return id, fmt.Sprintf("act %x was just proposed", id[:4])
}

// first returns the first validator that runs.
func (net *network) first() *node {
	for _, n := range net.nodes {
		if n.process() != nil {
			return n
		}
	}
	return nil
}

// underWay returns the newest act that registers peer and can still succeed.
func underWay(acts []api.ActState, peer proofs.NetworkID) *api.ActState {
	for i := len(acts) - 1; i >= 0; i-- {
		a := &acts[i]
		if a.Act.Kind == types.ActRegister && a.Act.Peer == peer && (a.State == api.ActOpen || a.State == api.ActCertified) {
			return a
		}
	}
	return nil
}

// lastWords says what became of earlier acts that would have registered peer.
func lastWords(acts []api.ActState, peer proofs.NetworkID) string {
	for i := len(acts) - 1; i >= 0; i-- {
		if a := &acts[i]; a.Act.Kind == types.ActRegister && a.Act.Peer == peer {
			return fmt.Sprintf(" (act %x before it: %s, %v)", a.ID[:4], a.State, a.Code)
		}
	}
	return ""
}

// approve has every validator approve an open act that has not done so. It
// returns the refusals.
func (net *network) approve(ctx context.Context, act *api.ActState) (refusals []string) {
	if act.State != api.ActOpen {
		return nil
	}
	approved := make(map[proofs.NodeKey]bool)
	for _, a := range act.Approvals {
		approved[a.Node] = true
	}
	for _, n := range net.nodes {
		if approved[n.key] || n.process() == nil {
			continue
		}
		if err := n.admin.Approve(ctx, act.ID); err != nil && !errors.Is(err, api.ErrDuplicate) {
			refusals = append(refusals, fmt.Sprintf("%s: %v", n.name, err))
		}
	}
	return refusals
}

// nameOf returns the name of a network here, or the beginning of its id.
func (d *Devnet) nameOf(id proofs.NetworkID) string {
	for _, net := range d.networks {
		if net.zero.ID == id {
			return net.name
		}
	}
	return id.Short()
}
