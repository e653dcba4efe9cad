package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// serve registers what this node answers to the nodes of its own network.
func (n *Node) serve() {
	n.host.HandleRequests(protoBlocks, n.answerBlocks)
	n.host.HandleRequests(protoBlock, n.answerBlock)
	n.host.HandleRequests(protoCars, n.answerCars)
	n.host.HandleRequests(protoBatches, n.answerBatch)
	n.host.HandleRequests(protoHandOver, n.answerHandOver)
}

// answerBlocks serves final blocks from a height on: as many as were asked for, or
// more, until one has its own certificate. The asker can check them all by it.
func (n *Node) answerBlocks(_ context.Context, _ p2p.NodeKey, req []byte) ([]byte, error) {
	var r blocksRequest
	if err := proofs.Decode(&r, req, protoBlocks.MaxRequest); err != nil {
		return nil, err
	}
	var a blocksAnswer
	certified, size, limit := 0, 0, int(min(r.Limit, maxBlocksAnswer))
	for h := r.From; limit > 0 && size < protoBlocks.MaxResponse/2 && (len(a.Blocks) < limit || certified == 0); h++ {
		f, err := n.blocks.final(h)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		a.Blocks = append(a.Blocks, storedBlock{Block: f.Block, Certificate: f.Certificate})
		if f.Certificate != nil {
			certified = len(a.Blocks)
		}
		size += 512 + 64*len(f.Block.Cut.Tips) + 256*len(f.Block.NextSet.Upserted)
	}
	a.Blocks = a.Blocks[:certified]
	return a.MarshalCanoto(), nil
}

// answerBlock serves one block by its header id, final or only proposed.
func (n *Node) answerBlock(_ context.Context, _ p2p.NodeKey, req []byte) ([]byte, error) {
	id, err := parseID(req)
	if err != nil {
		return nil, err
	}
	if b, ok := n.seen.get(id); ok {
		return b.MarshalCanoto(), nil
	}
	height, err := n.blocks.heightOf(id)
	if err != nil {
		return nil, err
	}
	f, err := n.blocks.final(height)
	if err != nil {
		return nil, err
	}
	return f.Block.MarshalCanoto(), nil
}

func (n *Node) answerCars(_ context.Context, _ p2p.NodeKey, req []byte) ([]byte, error) {
	var r carsRequest
	if err := proofs.Decode(&r, req, protoCars.MaxRequest); err != nil {
		return nil, err
	}
	cars, err := n.storedCars(&r)
	if err != nil {
		return nil, err
	}
	a := carsAnswer{Cars: cars}
	return a.MarshalCanoto(), nil
}

// storedCars reads a car and its ancestors, as far as they are stored here.
func (n *Node) storedCars(r *carsRequest) (cars []types.Car, err error) {
	for tip := r.Tip; tip.Height > r.Down && len(cars) < maxCarsAnswer; {
		c, err := n.blocks.car(r.Epoch, &tip)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		cars = append(cars, *c)
		tip.Height, tip.Digest = tip.Height-1, c.Parent
	}
	return cars, nil
}

func (n *Node) answerBatch(_ context.Context, _ p2p.NodeKey, req []byte) ([]byte, error) {
	digest, err := parseID(req)
	if err != nil {
		return nil, err
	}
	return n.blocks.batchWire(digest)
}

func parseID(b []byte) (proofs.Hash, error) {
	if len(b) != len(proofs.Hash{}) {
		return proofs.Hash{}, fmt.Errorf("id: got %d bytes, want 32: %w", len(b), proofs.ErrMalformed)
	}
	return proofs.Hash(b), nil
}

// The asking side. Each fetch runs in a goroutine of the node's group, at most
// maxFetches at once, and posts what it got to the core.

const maxFetches = 32

// fetch runs ask for the candidates in turn until one answers well. It gives up
// silently: whoever wants the thing asks again.
func (n *Node) fetch(ctx context.Context, what string, from []proofs.NodeKey, ask func(ctx context.Context, peer p2p.NodeKey) error) {
	select {
	case n.fetches <- struct{}{}:
	default:
		return
	}
	n.group.Go(func() {
		defer func() { <-n.fetches }()
		for _, peer := range n.reachable(from) {
			err := ask(ctx, p2p.NodeKey(peer))
			if err == nil || ctx.Err() != nil {
				return
			}
			n.log.Debug("fetch failed", "what", what, "peer", peer, "error", err)
		}
	})
}

func (n *Node) askBlocks(ctx context.Context, peer p2p.NodeKey, from uint64) ([]types.FinalBlock, error) {
	req := blocksRequest{From: from, Limit: maxBlocksAnswer}
	b, err := n.host.Request(ctx, peer, protoBlocks, req.MarshalCanoto())
	if err != nil {
		return nil, err
	}
	var a blocksAnswer
	if err := proofs.Decode(&a, b, protoBlocks.MaxResponse); err != nil {
		return nil, err
	}
	if len(a.Blocks) == 0 {
		return nil, fmt.Errorf("blocks from %d: %w", from, store.ErrNotFound)
	}
	out := make([]types.FinalBlock, len(a.Blocks))
	for i := range a.Blocks {
		s := &a.Blocks[i]
		out[i] = types.FinalBlock{Block: s.Block, ID: s.Block.Header.ID(), Certificate: s.Certificate}
	}
	return out, nil
}

func (n *Node) askBlock(ctx context.Context, peer p2p.NodeKey, id proofs.Hash) (*types.Block, error) {
	b, err := n.host.Request(ctx, peer, protoBlock, id[:])
	if err != nil {
		return nil, err
	}
	block := new(types.Block)
	if err := proofs.Decode(block, b, protoBlock.MaxResponse); err != nil {
		return nil, err
	}
	if got := block.Header.ID(); got != id {
		return nil, fmt.Errorf("block: got %x, want %x: %w", got[:4], id[:4], proofs.ErrRoot)
	}
	return block, nil
}

func (n *Node) askCars(ctx context.Context, peer p2p.NodeKey, r *carsRequest) ([]types.Car, error) {
	b, err := n.host.Request(ctx, peer, protoCars, r.MarshalCanoto())
	if err != nil {
		return nil, err
	}
	var a carsAnswer
	if err := proofs.Decode(&a, b, protoCars.MaxResponse); err != nil {
		return nil, err
	}
	if len(a.Cars) == 0 {
		return nil, fmt.Errorf("car %d of lane %d: %w", r.Tip.Height, r.Tip.Lane, store.ErrNotFound)
	}
	return a.Cars, nil
}

// askBatch fetches a batch and stores it.
func (n *Node) askBatch(ctx context.Context, peer p2p.NodeKey, digest proofs.Hash) error {
	b, err := n.host.Request(ctx, peer, protoBatches, digest[:])
	if err != nil {
		return err
	}
	got, err := n.batchDigest(b)
	if err != nil {
		return err
	}
	if got != digest {
		return fmt.Errorf("batch: got %x, want %x: %w", got[:4], digest[:4], proofs.ErrRoot)
	}
	return n.blocks.putBatch(digest, b)
}

// batchDigest checks a batch from outside and names it.
func (n *Node) batchDigest(wire []byte) (proofs.Hash, error) {
	var batch types.Batch
	if err := proofs.Decode(&batch, wire, types.MaxBatchBytes); err != nil {
		return proofs.Hash{}, fmt.Errorf("batch: %w", err)
	}
	return batch.Digest(n.zero.ID), nil
}
