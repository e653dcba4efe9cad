package p2p

import (
	"crypto/ed25519"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// NodeKey is a node's Ed25519 public key. It is its libp2p identity: the peer id is the identity multihash of the key's
// libp2p encoding, so each is computed from the other.
type NodeKey = [ed25519.PublicKeySize]byte

// PeerID returns the libp2p text form of key's peer id ("12D3Koo…").
func PeerID(key NodeKey) (string, error) {
	id, err := idOf(key)
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// KeyOfPeerID is the inverse of PeerID. Ids of other key types fail with ErrConfig.
func KeyOfPeerID(text string) (NodeKey, error) {
	id, err := peer.Decode(text)
	if err != nil {
		return NodeKey{}, fmt.Errorf("%w: peer id %q: %w", ErrConfig, text, err)
	}
	return keyOf(id)
}

// JoinAddr appends key's /p2p component to a multiaddr without one.
func JoinAddr(addr string, key NodeKey) (string, error) {
	id, err := idOf(key)
	if err != nil {
		return "", err
	}
	m, err := parseAddr(addr)
	if err != nil {
		return "", err
	}
	return m.String() + "/p2p/" + id.String(), nil
}

// SplitAddr takes a multiaddr with a /p2p component apart. Errors are ErrConfig.
func SplitAddr(full string) (NodeKey, string, error) {
	m, err := ma.NewMultiaddr(full)
	if err != nil {
		return NodeKey{}, "", fmt.Errorf("%w: address %q: %w", ErrConfig, full, err)
	}
	info, err := peer.AddrInfoFromP2pAddr(m)
	if err != nil {
		return NodeKey{}, "", fmt.Errorf("%w: address %q: %w", ErrConfig, full, err)
	}
	if len(info.Addrs) != 1 {
		return NodeKey{}, "", fmt.Errorf("%w: address %q has no transport part", ErrConfig, full)
	}
	key, err := keyOf(info.ID)
	if err != nil {
		return NodeKey{}, "", err
	}
	if _, err := parseAddr(info.Addrs[0].String()); err != nil {
		return NodeKey{}, "", err
	}
	return key, info.Addrs[0].String(), nil
}

// parseAddr parses a QUIC v1 multiaddr without /p2p.
func parseAddr(addr string) (ma.Multiaddr, error) {
	m, err := ma.NewMultiaddr(addr)
	if err != nil {
		return nil, fmt.Errorf("%w: address %q: %w", ErrConfig, addr, err)
	}
	protocols := m.Protocols()
	if len(protocols) == 0 || protocols[len(protocols)-1].Code != ma.P_QUIC_V1 {
		return nil, fmt.Errorf("%w: address %q: got no trailing /quic-v1, want host/udp/port/quic-v1", ErrConfig, addr)
	}
	return m, nil
}

func idOf(key NodeKey) (peer.ID, error) {
	public, err := crypto.UnmarshalEd25519PublicKey(key[:])
	if err != nil {
		return "", fmt.Errorf("%w: node key %x: %w", ErrConfig, key, err)
	}
	return peer.IDFromPublicKey(public)
}

func keyOf(id peer.ID) (NodeKey, error) {
	public, err := id.ExtractPublicKey()
	if err != nil {
		return NodeKey{}, fmt.Errorf("%w: peer id %s carries no key: %w", ErrConfig, id, err)
	}
	if public.Type() != pb.KeyType_Ed25519 {
		return NodeKey{}, fmt.Errorf("%w: peer id %s: got key type %s, want Ed25519", ErrConfig, id, public.Type())
	}
	raw, err := public.Raw()
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return NodeKey{}, fmt.Errorf("%w: peer id %s: key of %d bytes, want %d", ErrConfig, id, len(raw), ed25519.PublicKeySize)
	}
	return NodeKey(raw), nil
}
