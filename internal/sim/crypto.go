package sim

import (
	"crypto/sha256"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// cryptoOf is what the ordering core of a node signs with.
func (w *World) cryptoOf(n *Node) consensus.Crypto {
	if w.scenario.RealCrypto {
		return consensus.NewBLS(n.id.secret)
	}
	return &hashCrypto{key: n.id.member.Key, world: w}
}

// hashCrypto stands in for BLS: a signature is a hash of the signer's public key
// and the message, an aggregate a hash of the bitmap and the message. Nobody is
// kept from forging, but adversaries of this package do not; a vote or certificate
// altered by accident or moved to another message fails as it would with BLS.
type hashCrypto struct {
	key   [bls.PublicKeySize]byte
	world *World // counts; may be nil
}

func (c *hashCrypto) Sign(msg []byte) [bls.VoteSize]byte {
	if c.world != nil {
		c.world.meters.Signed++
	}
	return hashSign(c.key, msg)
}

func hashSign(key [bls.PublicKeySize]byte, msg []byte) (sig [bls.VoteSize]byte) {
	d := sha256.Sum256(append(key[:], msg...))
	copy(sig[:], d[:])
	return sig
}

func (c *hashCrypto) Combine(set *proofs.ValidatorSet, msg []byte, voters []int, votes [][bls.VoteSize]byte) (agg proofs.Aggregate, bad []int) {
	if c.world != nil {
		c.world.meters.Summed += len(votes)
		c.world.meters.Verified++
	}
	agg.Bitmap = proofs.NewBitmap(set.Len())
	for i, v := range voters {
		if hashSign(set.At(v).Key, msg) != votes[i] {
			bad = append(bad, i)
			continue
		}
		proofs.SetBit(agg.Bitmap, v)
	}
	if len(bad) == len(voters) {
		return proofs.Aggregate{}, bad
	}
	agg.Signature = hashAggregate(agg.Bitmap, msg)
	return agg, bad
}

func (c *hashCrypto) Verify(set *proofs.ValidatorSet, msg []byte, agg *proofs.Aggregate) error {
	if c.world != nil {
		c.world.meters.Verified++
	}
	_, weight, err := agg.Signers(set)
	if err != nil {
		return err
	}
	if !set.IsQuorum(weight) {
		return fmt.Errorf("got weight %d of %d: %w", weight, set.Total(), proofs.ErrQuorum)
	}
	if agg.Signature != hashAggregate(agg.Bitmap, msg) {
		return proofs.ErrSignature
	}
	return nil
}

func hashAggregate(bitmap, msg []byte) (sig [bls.SignatureSize]byte) {
	h := sha256.New()
	h.Write([]byte("aggregate"))
	h.Write(bitmap)
	h.Write(msg)
	copy(sig[:], h.Sum(nil))
	return sig
}

func hashOf(parts ...[]byte) (out proofs.Hash) {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(out[:0])
	return out
}
