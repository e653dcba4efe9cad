package bootstrap

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// The names of a validator folder's files.
const (
	KeysFile      = "keys.json"
	ZeroStateFile = "zero-state.json"
	NodeFile      = "node.json"
)

const maxKeyFileBytes = 4096

// Keys are a validator's secrets.
type Keys struct {
	Node ed25519.PrivateKey
	BLS  *bls.SecretKey
}

// keyFile is the document of a Keys.
type keyFile struct {
	NodeSeed  secret `json:"node_seed"`
	BLSSecret secret `json:"bls_secret"`
}

// secret is 32 bytes, in hexadecimal when written to its file, and not otherwise.
type secret [32]byte

func (s secret) MarshalText() ([]byte, error)  { return hex.AppendEncode(nil, s[:]), nil }
func (s *secret) UnmarshalText(b []byte) error { return readHex("secret", s[:], b) }
func (s secret) String() string                { return "secret(redacted)" }
func (s secret) GoString() string              { return "secret(redacted)" }
func (s secret) Format(f fmt.State, _ rune)    { _, _ = io.WriteString(f, s.String()) }

// GenerateKeys makes new keys of the randomness in rand.
func GenerateKeys(rand io.Reader) (*Keys, error) {
	var seed [ed25519.SeedSize]byte
	defer clear(seed[:])
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	sk, err := bls.GenerateKey(rand)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return &Keys{Node: ed25519.NewKeyFromSeed(seed[:]), BLS: sk}, nil
}

// NodeKey returns the public node key.
func (k *Keys) NodeKey() proofs.NodeKey { return proofs.NodeKey(k.Node.Public().(ed25519.PublicKey)) }

// Validator returns the public side of the keys, with the proof of possession.
func (k *Keys) Validator(weight uint64) Validator {
	node := k.NodeKey()
	return Validator{Node: node, BLSKey: k.BLS.PublicKey().Bytes(), Weight: weight, Possession: k.BLS.ProvePossession(node)}
}

// Save writes dir/keys.json, readable by its owner only; the file must not exist.
func (k *Keys) Save(dir string) error {
	doc := keyFile{NodeSeed: secret(k.Node.Seed()), BLSSecret: secret(k.BLS.Bytes())}
	if err := createJSON(filepath.Join(dir, KeysFile), 0o600, &doc); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

// LoadKeys reads dir/keys.json. Errors: ErrExposed if anybody but the owner can
// read or change the file; ErrDocument; those of [bls.NewSecretKey].
func LoadKeys(dir string) (*Keys, error) {
	path := filepath.Join(dir, KeysFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("keys: %s: got mode %v, want a regular file of mode -rw------- (chmod 600): %w", path, info.Mode(), ErrExposed)
	}
	var doc keyFile
	if err := decodeJSON(path, f, maxKeyFileBytes, &doc); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if doc.NodeSeed == (secret{}) {
		return nil, fmt.Errorf("keys: %s: no node_seed: %w", path, ErrDocument)
	}
	sk, err := bls.NewSecretKey(doc.BLSSecret[:])
	if err != nil {
		return nil, fmt.Errorf("keys: %s: bls_secret: %w", path, err)
	}
	return &Keys{Node: ed25519.NewKeyFromSeed(doc.NodeSeed[:]), BLS: sk}, nil
}
