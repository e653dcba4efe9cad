package devnet

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
)

// book is what one certified state of a network holds of each asset, under the
// assets' names there.
type book struct {
	balances map[proofs.AssetID]proofs.Amount // the sum over accounts
	supply   map[proofs.AssetID]proofs.Amount
	claims   map[proofs.NetworkID]proofs.Amount // of the network's own asset
	fees     proofs.Amount
}

// prove reads the balances of every account that the zero-states or transfers
// name, fees, supplies and claims, all of them proved.
func (d *Devnet) prove(ctx context.Context, l *light) (*book, error) {
	self := l.net
	assets := []proofs.AssetID{proofs.NativeAsset}
	for _, peer := range d.networks {
		if peer != self {
			assets = append(assets, proofs.NativeAsset.Abroad(peer.zero.ID))
		}
	}
	holders := d.holders()
	keys := [][]byte{proofs.FeesKey()}
	for _, a := range assets {
		keys = append(keys, proofs.SupplyKey(a))
		for _, h := range holders {
			keys = append(keys, proofs.BalanceKey(h, a))
		}
	}
	for _, peer := range d.networks {
		keys = append(keys, proofs.ClaimKey(peer.zero.ID, proofs.NativeAsset))
	}
	values, err := l.prove(ctx, keys)
	if err != nil {
		return nil, err
	}
	return read(values, assets, holders, d.networks)
}

// holders lists the accounts that may hold something, in order.
func (d *Devnet) holders() []proofs.AccountID {
	all := make(map[proofs.AccountID]struct{})
	for _, net := range d.networks {
		for _, h := range net.holders {
			all[h] = struct{}{}
		}
	}
	d.mu.Lock()
	maps.Copy(all, d.recipients)
	d.mu.Unlock()
	return slices.SortedFunc(maps.Keys(all), func(a, b proofs.AccountID) int { return slices.Compare(a[:], b[:]) })
}

// read sums what the proved entries say.
func read(values map[string][]byte, assets []proofs.AssetID, holders []proofs.AccountID, networks []*network) (*book, error) {
	b := &book{
		balances: make(map[proofs.AssetID]proofs.Amount), supply: make(map[proofs.AssetID]proofs.Amount),
		claims: make(map[proofs.NetworkID]proofs.Amount),
	}
	var err error
	amount := func(key []byte) (a proofs.Amount) {
		v, ok := values[string(key)]
		if ok && len(v) != len(a) && err == nil {
			err = fmt.Errorf("entry %q: got %d bytes, want an amount of %d", key, len(v), len(a))
		}
		copy(a[:], v)
		return a
	}
	b.fees = amount(proofs.FeesKey())
	for _, a := range assets {
		b.supply[a] = amount(proofs.SupplyKey(a))
		for _, h := range holders {
			sum, fits := b.balances[a].Add(amount(proofs.BalanceKey(h, a)))
			if !fits {
				return nil, fmt.Errorf("balances of asset %s exceed 128 bits", a)
			}
			b.balances[a] = sum
		}
	}
	for _, n := range networks {
		b.claims[n.zero.ID] = amount(proofs.ClaimKey(n.zero.ID, proofs.NativeAsset))
	}
	return b, err
}

// checkBooks checks what holds in every state of one network by itself.
func (r *Report) checkBooks(networks []*network, books map[string]*book) {
	for _, net := range networks {
		b := books[net.name]
		native := b.supply[proofs.NativeAsset]
		r.equal(net.name+": balances and fees of its own asset, against its supply", sum(b.balances[proofs.NativeAsset], b.fees), native)
		escrowed := native
		for _, c := range b.claims {
			escrowed = sum(escrowed, c)
		}
		r.equal(net.name+": supply and claims, against what the zero-state issued", escrowed, net.issued)
		for _, peer := range networks {
			if v := proofs.NativeAsset.Abroad(peer.zero.ID); peer != net {
				r.equal(net.name+": balances of vouchers of "+peer.name+", against their supply", b.balances[v], b.supply[v])
			}
		}
	}
}

// checkClaims checks what holds between networks when nothing is on its way.
func (r *Report) checkClaims(networks []*network, books map[string]*book) {
	for _, home := range networks {
		for _, abroad := range networks {
			if home == abroad {
				continue
			}
			vouchers := books[abroad.name].supply[proofs.NativeAsset.Abroad(home.zero.ID)]
			r.equal("vouchers of "+home.name+" at "+abroad.name+", against the claim at home", vouchers, books[home.name].claims[abroad.zero.ID])
		}
	}
}

// sum saturates: what overflows equals nothing that is there.
func sum(a, b proofs.Amount) proofs.Amount {
	s, ok := a.Add(b)
	if !ok {
		for i := range s {
			s[i] = 0xff
		}
	}
	return s
}

func (r *Report) equal(what string, got, want proofs.Amount) {
	if got != want {
		r.problem("%s: got %s, want %s", what, got, want)
	}
}
