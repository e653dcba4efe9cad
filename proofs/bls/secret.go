package bls

import (
	"fmt"
	"io"
)

// SecretKeySize is the length of a secret scalar, and of the seed that
// [GenerateKey] reads, in bytes.
const SecretKeySize = 32

const redacted = "bls.SecretKey(redacted)"

// SecretKey is a scalar in [1, r). Only [GenerateKey] and [NewSecretKey] make
// usable ones; the zero value is a programming error.
//
// It never prints its scalar: the methods below cover every verb where fmt can
// call them. In an unexported field of another struct it cannot; there the two
// pointers in a row stop it, because fmt follows one at most.
type SecretKey struct {
	hidden *hidden
}

type hidden struct {
	scalar *[SecretKeySize]byte
}

func newSecretKey(scalar [SecretKeySize]byte) *SecretKey {
	return &SecretKey{hidden: &hidden{scalar: &scalar}}
}

// GenerateKey reads 32 bytes of secret randomness and derives a key by KeyGen
// of draft-irtf-cfrg-bls-signature (salt "BLS-SIG-KEYGEN-SALT-", no key info).
// One seed always gives one key. Errors: ErrRandomness.
func GenerateKey(rand io.Reader) (*SecretKey, error) {
	if rand == nil {
		return nil, fmt.Errorf("%w: no source given", ErrRandomness)
	}
	var ikm [SecretKeySize]byte
	defer clear(ikm[:])
	if _, err := io.ReadFull(rand, ikm[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRandomness, err)
	}
	return newSecretKey(curve.KeyGen(ikm[:])), nil
}

// NewSecretKey takes a 32-byte big-endian scalar. Errors: ErrLength; ErrScalar
// if it is zero or not below the group order.
func NewSecretKey(b []byte) (*SecretKey, error) {
	if err := checkLength("secret key", b, SecretKeySize); err != nil {
		return nil, err
	}
	scalar := [SecretKeySize]byte(b)
	if !validScalar(&scalar) {
		return nil, fmt.Errorf("%w: want 0 < key < r", ErrScalar)
	}
	return newSecretKey(scalar), nil
}

// Bytes returns the scalar, 32 bytes big-endian: a fresh copy of a secret.
func (k *SecretKey) Bytes() []byte {
	b := *k.hidden.scalar
	return b[:]
}

// PublicKey derives the public key: one multiplication in G2, so keep it.
func (k *SecretKey) PublicKey() *PublicKey {
	return &PublicKey{point: curve.PublicKey(k.hidden.scalar)}
}

// Sign signs a message of any length. The result is in vote form: 96 bytes,
// an uncompressed point. It is deterministic.
func (k *SecretKey) Sign(msg []byte) [VoteSize]byte {
	p := curve.Sign(k.hidden.scalar, msg, signDST)
	return curve.EncodeG1(&p)
}

// ProvePossession proves to anybody that the holder of the node key owner (an
// Ed25519 public key) holds this secret key: 48 bytes, a compressed point.
func (k *SecretKey) ProvePossession(owner [OwnerSize]byte) [SignatureSize]byte {
	msg := possessionMessage(k.PublicKey(), owner)
	p := curve.Sign(k.hidden.scalar, msg[:], possessionDST)
	return curve.CompressG1(&p)
}

// String returns a fixed text.
func (SecretKey) String() string { return redacted }

// GoString returns a fixed text.
func (SecretKey) GoString() string { return redacted }

// Format writes a fixed text whatever the verb.
func (SecretKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }
