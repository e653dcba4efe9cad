package p2p

import (
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// gate decides which connections there may be: outwards only to kept peers; inwards from anyone with an Ed25519
// identity, the strangers among them up to a bound, so that they never crowd out the validators.
type gate struct {
	allow func(NodeKey) bool
	table *table
}

// familiar reports whether a peer is exempt from the bound on strangers.
func (g *gate) familiar(key NodeKey) bool {
	if g.table.kept(key) {
		return true
	}
	return g.allow != nil && g.allow(key)
}

// InterceptPeerDial permits kept peers only.
func (g *gate) InterceptPeerDial(id peer.ID) bool {
	key, err := keyOf(id)
	if err != nil {
		return false
	}
	return g.table.kept(key)
}

// InterceptAddrDial permits all: the dialler puts only configured addresses before libp2p.
func (g *gate) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

// InterceptAccept permits all: nothing is known yet.
func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured judges a peer whose identity is proved.
func (g *gate) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	key, err := keyOf(id)
	if err != nil {
		return false
	}
	return g.familiar(key) || g.table.roomForStranger()
}

// InterceptUpgraded permits all: QUIC has no upgrade.
func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
