package proofs

import (
	"encoding/hex"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Hash is a SHA-256 value.
type Hash = merkle.Hash

// NetworkID names a network: SHA-256 of its zero-header.
type NetworkID [32]byte

// AccountID names an account inside a network.
type AccountID [32]byte

// NodeKey is a validator's Ed25519 public key.
type NodeKey [32]byte

// HomeNetwork stands, inside a network's own state, for that network: the
// zero-state is hashed before the network has an id.
var HomeNetwork NetworkID

// AccountOf returns the account that the holder of an Ed25519 key controls: the
// hash of the key, so that other kinds of control can follow.
func AccountOf(key [32]byte) AccountID {
	return AccountID(NewLayout(HomeNetwork, TypeAccount).Hash(key).Sum())
}

// AssetID names an asset: the network that issued it (32 bytes) and its id there
// (32 bytes). An issuer's own asset has the zero local id. Inside its home
// network's state an asset is written with [HomeNetwork] as its origin.
type AssetID [64]byte

// NativeAsset is a network's own asset as its own state writes it.
var NativeAsset AssetID

// NewAssetID joins the two halves.
func NewAssetID(origin NetworkID, local Hash) (a AssetID) {
	copy(a[:32], origin[:])
	copy(a[32:], local[:])
	return a
}

// Origin returns the issuing network.
func (a AssetID) Origin() NetworkID { return NetworkID(a[:32]) }

// Local returns the asset's id in its issuing network.
func (a AssetID) Local() Hash { return Hash(a[32:]) }

// Abroad returns the name that other networks use for an asset which the state
// of network home knows as a.
func (a AssetID) Abroad(home NetworkID) AssetID {
	if a.Origin() == HomeNetwork {
		return NewAssetID(home, a.Local())
	}
	return a
}

// At returns the name that the state of network home uses for a.
func (a AssetID) At(home NetworkID) AssetID {
	if a.Origin() == home {
		return NewAssetID(HomeNetwork, a.Local())
	}
	return a
}

func (id NetworkID) String() string { return hex.EncodeToString(id[:]) }
func (id AccountID) String() string { return hex.EncodeToString(id[:]) }
func (k NodeKey) String() string    { return hex.EncodeToString(k[:]) }

// Short returns the first eight hexadecimal digits, for logs and tables.
func (id NetworkID) Short() string { return hex.EncodeToString(id[:4]) }

// Short returns the first eight hexadecimal digits, for logs and tables.
func (id AccountID) Short() string { return hex.EncodeToString(id[:4]) }

func (a AssetID) String() string { return hex.EncodeToString(a[:]) }

// MarshalText writes lower-case hexadecimal.
func (a AssetID) MarshalText() ([]byte, error) { return marshalHex(a[:]) }

// UnmarshalText reads 128 hexadecimal digits.
func (a *AssetID) UnmarshalText(b []byte) error { return unmarshalHex("asset id", a[:], b) }

// MarshalText writes lower-case hexadecimal.
func (id NetworkID) MarshalText() ([]byte, error) { return marshalHex(id[:]) }

// UnmarshalText reads 64 hexadecimal digits.
func (id *NetworkID) UnmarshalText(b []byte) error { return unmarshalHex("network id", id[:], b) }

// MarshalText writes lower-case hexadecimal.
func (id AccountID) MarshalText() ([]byte, error) { return marshalHex(id[:]) }

// UnmarshalText reads 64 hexadecimal digits.
func (id *AccountID) UnmarshalText(b []byte) error { return unmarshalHex("account id", id[:], b) }

// MarshalText writes lower-case hexadecimal.
func (k NodeKey) MarshalText() ([]byte, error) { return marshalHex(k[:]) }

// UnmarshalText reads 64 hexadecimal digits.
func (k *NodeKey) UnmarshalText(b []byte) error { return unmarshalHex("node key", k[:], b) }

func marshalHex(b []byte) ([]byte, error) { return hex.AppendEncode(nil, b), nil }

func unmarshalHex(what string, dst, src []byte) error {
	if len(src) != 2*len(dst) {
		return fmt.Errorf("%s: got %d digits, want %d: %w", what, len(src), 2*len(dst), ErrMalformed)
	}
	if _, err := hex.Decode(dst, src); err != nil {
		return fmt.Errorf("%s: %v: %w", what, err, ErrMalformed)
	}
	return nil
}

// ParseHash reads 64 hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	err := unmarshalHex("hash", h[:], []byte(s))
	return h, err
}

// leafOf hashes the layout of a log entry as a leaf (merkle, domain 0x00).
func leafOf(layout []byte) Hash { return merkle.LeafHash(layout) }
