package node

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// storedBlock is a final block as it lies on disk.
type storedBlock struct {
	Block       types.Block         `canoto:"value,1"`
	Certificate *proofs.Certificate `canoto:"pointer,2"` // nil if a descendant vouches for it

	canotoData canotoData_storedBlock
}

// storedEvidence is what proves that a validator of this network broke its
// protocol: two signed votes that exclude each other, or two cars at one height.
type storedEvidence struct {
	Node  proofs.NodeKey `canoto:"fixed bytes,1"`
	Set   proofs.Hash    `canoto:"fixed bytes,2"` // the set that the votes belong to
	Votes []types.Vote   `canoto:"repeated value,3"`
	Cars  []types.Car    `canoto:"repeated value,4"`

	canotoData canotoData_storedEvidence
}

// blockStore keeps the chain of final blocks, the cars and the batches of one
// node. Keys, each after its letter:
//
//	b height            → storedBlock
//	h header id         → height
//	k height            → nothing: a key block
//	c epoch lane height digest → Car
//	d digest            → Batch
//	a id                → a governance act and its approvals
//	v node digest       → evidence against a validator
//	o place             → digest of an own batch that is not ordered yet
//	m id                → when this node admitted a message (ms) ‖ its expiry (s)
//	r digest            → nothing: a block ordered this batch
//	x, i, q, s, f       → when things happened (traces.go)
type blockStore struct{ db *store.DB }

const (
	keyBlock     = 'b'
	keyHeader    = 'h'
	keyKeyBlock  = 'k'
	keyCar       = 'c'
	keyBatch     = 'd'
	keyAct       = 'a'
	keyEvidence  = 'v'
	keyOwn       = 'o'
	keyAdmitted  = 'm'
	keyOrdered   = 'r'
	keyTime      = 'x'
	keyInducted  = 'i'
	keyAcked     = 'q'
	keySettled   = 's'
	keyRefund    = 'f'
	maxStoredLen = 8 << 20
)

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func key(letter byte, parts ...[]byte) []byte {
	k := []byte{letter}
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func carKey(c *types.Car, digest proofs.Hash) []byte {
	return key(keyCar, u64(c.Epoch), binary.BigEndian.AppendUint32(nil, c.Lane), u64(c.Height), digest[:])
}

// putFinal adds a final block to batch.
func (s *blockStore) putFinal(batch *store.Batch, f *types.FinalBlock) {
	stored := storedBlock{Block: f.Block, Certificate: f.Certificate}
	height := u64(f.Block.Header.Height)
	batch.Set(key(keyBlock, height), stored.MarshalCanoto())
	batch.Set(key(keyHeader, f.ID[:]), height)
	if f.Block.Header.IsKeyBlock() {
		batch.Set(key(keyKeyBlock, height), nil)
	}
}

// final reads the final block at height. The error is store.ErrNotFound if there
// is none.
func (s *blockStore) final(height uint64) (*types.FinalBlock, error) {
	b, err := s.db.Get(key(keyBlock, u64(height)))
	if err != nil {
		return nil, err
	}
	var stored storedBlock
	if err := proofs.Decode(&stored, b, maxStoredLen); err != nil {
		return nil, fmt.Errorf("stored block %d: %w", height, err)
	}
	return &types.FinalBlock{Block: stored.Block, ID: stored.Block.Header.ID(), Certificate: stored.Certificate}, nil
}

// heightOf returns the height of a final header.
func (s *blockStore) heightOf(id proofs.Hash) (uint64, error) {
	b, err := s.db.Get(key(keyHeader, id[:]))
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), nil
}

// last returns the newest final block, or nil.
func (s *blockStore) last() (*types.FinalBlock, error) {
	it := s.db.Iterator(store.Prefix([]byte{keyBlock}))
	defer it.Release()
	if !it.Last() {
		return nil, it.Err()
	}
	return s.final(binary.BigEndian.Uint64(it.Key()[1:]))
}

// keyBlocksAfter lists the heights of at most limit key blocks above height.
func (s *blockStore) keyBlocksAfter(height uint64, limit int) ([]uint64, error) {
	var out []uint64
	r := store.Prefix([]byte{keyKeyBlock})
	r.Start = key(keyKeyBlock, u64(height+1))
	err := s.db.Iterate(r, func(k, _ []byte) (bool, error) {
		out = append(out, binary.BigEndian.Uint64(k[1:]))
		return len(out) < limit, nil
	})
	return out, err
}

// keyBlock returns the key block at height in the form that strangers follow.
func (s *blockStore) keyBlock(height uint64) (*proofs.KeyBlock, error) {
	f, err := s.final(height)
	if err != nil {
		return nil, err
	}
	if f.Certificate == nil {
		return nil, fmt.Errorf("key block %d: no certificate of its own: %w", height, store.ErrNotFound)
	}
	return &proofs.KeyBlock{Header: f.Block.Header, Certificate: *f.Certificate, Next: f.Block.NextSet}, nil
}

// certified returns the header at height with the certificate that covers it:
// its own, or that of the nearest of the next MaxLinks blocks.
func (s *blockStore) certified(height uint64) (*proofs.CertifiedHeader, error) {
	f, err := s.final(height)
	if err != nil {
		return nil, err
	}
	ch := &proofs.CertifiedHeader{Header: f.Block.Header}
	for f.Certificate == nil {
		if len(ch.Links) == proofs.MaxLinks {
			return nil, fmt.Errorf("header %d: no certificate within %d blocks: %w", height, proofs.MaxLinks, store.ErrNotFound)
		}
		if f, err = s.final(f.Block.Header.Height + 1); err != nil {
			return nil, err
		}
		ch.Links = append(ch.Links, f.Block.Header)
	}
	ch.Certificate = *f.Certificate
	return ch, nil
}

// putEvidence adds evidence to batch, once.
func (s *blockStore) putEvidence(batch *store.Batch, e *storedEvidence) {
	wire := e.MarshalCanoto()
	id := sha256.Sum256(wire)
	batch.Set(key(keyEvidence, e.Node[:], id[:]), wire)
}

// putCar adds a car to batch.
func (s *blockStore) putCar(batch *store.Batch, c *types.Car, digest proofs.Hash) {
	batch.Set(carKey(c, digest), c.MarshalCanoto())
}

// cars returns all stored cars of an epoch, by lane and height.
func (s *blockStore) cars(epoch uint64) ([]types.Car, error) {
	var out []types.Car
	err := s.db.Iterate(store.Prefix(key(keyCar, u64(epoch))), func(_, v []byte) (bool, error) {
		var c types.Car
		if err := proofs.Decode(&c, v, maxCarBytes); err != nil {
			return false, fmt.Errorf("stored car: %w", err)
		}
		out = append(out, c)
		return true, nil
	})
	return out, err
}

// car returns one stored car by the place and digest in its tip.
func (s *blockStore) car(epoch uint64, tip *types.Tip) (*types.Car, error) {
	at := types.Car{Epoch: epoch, Lane: tip.Lane, Height: tip.Height}
	b, err := s.db.Get(carKey(&at, tip.Digest))
	if err != nil {
		return nil, err
	}
	var c types.Car
	if err := proofs.Decode(&c, b, maxCarBytes); err != nil {
		return nil, fmt.Errorf("stored car: %w", err)
	}
	return &c, nil
}

// putBatch stores a batch durably.
func (s *blockStore) putBatch(digest proofs.Hash, wire []byte) error {
	var b store.Batch
	b.Set(key(keyBatch, digest[:]), wire)
	return s.db.Write(&b, true)
}

func (s *blockStore) hasBatch(digest proofs.Hash) (bool, error) {
	return s.db.Has(key(keyBatch, digest[:]))
}

// batchWire returns a batch as it was stored.
func (s *blockStore) batchWire(digest proofs.Hash) ([]byte, error) {
	return s.db.Get(key(keyBatch, digest[:]))
}

func (s *blockStore) batch(digest proofs.Hash) (*types.Batch, error) {
	b, err := s.batchWire(digest)
	if err != nil {
		return nil, err
	}
	var batch types.Batch
	if err := proofs.Decode(&batch, b, types.MaxBatchBytes); err != nil {
		return nil, fmt.Errorf("stored batch: %w", err)
	}
	return &batch, nil
}
