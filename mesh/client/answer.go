package client

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// Served is what a node can tell the readers of its network. All methods are
// called concurrently; their errors reach the reader as a refusal.
type Served interface {
	// Zero returns the network's zero-header.
	Zero() (*proofs.ZeroHeader, error)
	// KeyBlocks returns the key blocks above height from, in order, at most limit.
	KeyBlocks(from uint64, limit int) ([]proofs.KeyBlock, error)
	// Head returns the queue head for reader under the newest certified header, and
	// that header's Executed; ok is false if there is none. It is asked first, so
	// that idle readers cost no proof.
	Head(reader proofs.NetworkID) (head proofs.QueueHead, executed uint64, ok bool, err error)
	// Slice returns the queue towards reader under the newest certified header: as
	// many messages from start on as fit in both bounds, none if the queue ends at
	// or before start. maxBytes bounds the wire form of the whole slice, except that
	// one message is always given; nil says that there is no head for reader any more.
	Slice(reader proofs.NetworkID, start uint64, maxMessages, maxBytes int) (*proofs.Slice, error)
	// Left returns the compact range [0, end) of the queue towards reader.
	Left(reader proofs.NetworkID, end uint64) ([]proofs.Hash, error)
}

// Answer decodes a request, bounds it, and makes the response bytes. It is pure
// but for s. Errors for the requester are of the kinds in proofs.
func Answer(s Served, proto Proto, req []byte) ([]byte, error) {
	switch proto {
	case ProtoZero:
		return answerZero(s, req)
	case ProtoKeyBlocks:
		return answerKeyBlocks(s, req)
	case ProtoSlice:
		return answerSlice(s, req)
	}
	return nil, fmt.Errorf("request %.40q: %w", string(proto), proofs.ErrMalformed)
}

func answerZero(s Served, req []byte) ([]byte, error) {
	if len(req) != 0 {
		return nil, fmt.Errorf("zero request: got %d bytes, want none: %w", len(req), proofs.ErrMalformed)
	}
	z, err := s.Zero()
	if err != nil {
		return nil, err
	}
	return z.MarshalCanoto(), nil
}

func answerKeyBlocks(s Served, req []byte) ([]byte, error) {
	var r KeyBlocksRequest
	if err := proofs.Decode(&r, req, MaxRequestBytes); err != nil {
		return nil, fmt.Errorf("key block request: %w", err)
	}
	if r.Limit == 0 {
		return nil, fmt.Errorf("key block request: got limit 0: %w", proofs.ErrMalformed)
	}
	limit := min(int(r.Limit), MaxKeyBlocks)
	blocks, err := s.KeyBlocks(r.From, limit)
	if err != nil {
		return nil, err
	}
	blocks = blocks[:min(len(blocks), limit)]
	for {
		resp := KeyBlocksResponse{Blocks: blocks}
		if b := resp.MarshalCanoto(); len(b) <= MaxKeyBlocksBytes {
			return b, nil
		}
		if len(blocks) == 1 {
			return nil, fmt.Errorf("key block %d: more than %d bytes: %w", blocks[0].Header.Height, MaxKeyBlocksBytes, proofs.ErrTooLarge)
		}
		blocks = blocks[:len(blocks)/2]
	}
}

func answerSlice(s Served, req []byte) ([]byte, error) {
	var r SliceRequest
	if err := proofs.Decode(&r, req, MaxRequestBytes); err != nil {
		return nil, fmt.Errorf("slice request: %w", err)
	}
	if r.MaxMessages == 0 || r.MaxBytes == 0 {
		return nil, fmt.Errorf("slice request: got bounds of %d messages and %d bytes: %w", r.MaxMessages, r.MaxBytes, proofs.ErrMalformed)
	}
	head, executed, ok, err := s.Head(r.Reader)
	if err != nil {
		return nil, err
	}
	if !ok || executed < r.After || head.Incarnation != r.Incarnation {
		return nil, nil
	}
	news := head.End != r.Start || head.Settled > r.Settled || r.Bare
	if !news || r.Start < head.Begin {
		return nil, nil
	}
	slice, err := s.Slice(r.Reader, r.Start,
		int(min(r.MaxMessages, proofs.MaxSliceMessages)), int(min(r.MaxBytes, proofs.MaxSliceBytes)))
	if err != nil || slice == nil {
		return nil, err
	}
	if r.Left && len(slice.Messages) > 0 {
		if slice.Left, err = s.Left(r.Reader, slice.Start); err != nil {
			return nil, err
		}
	}
	b := slice.MarshalCanoto()
	if len(b) > proofs.MaxSliceBytes {
		return nil, fmt.Errorf("slice from %d: got %d bytes, want at most %d: %w", r.Start, len(b), proofs.MaxSliceBytes, proofs.ErrTooLarge)
	}
	return b, nil
}
