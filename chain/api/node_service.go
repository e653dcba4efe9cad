package api

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	v1 "github.com/isthmus-network/isthmus/chain/api/isthmus/v1"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// nodeService translates NodeService to a Backend.
type nodeService struct{ b Backend }

// answer turns what a backend returned into a response.
func answer[T, W any](v T, err error, toWire func(T) *W) (*connect.Response[W], error) {
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(toWire(v)), nil
}

// limitOf takes a client's limit: 0 is the most there may be.
func limitOf(limit uint32, most int) int {
	if limit == 0 || uint64(limit) > uint64(most) {
		return most
	}
	return int(limit)
}

func (s *nodeService) Info(ctx context.Context, _ *connect.Request[v1.InfoRequest]) (*connect.Response[v1.InfoResponse], error) {
	i, err := s.b.Info(ctx)
	return answer(i, err, infoToWire)
}

func (s *nodeService) Submit(ctx context.Context, r *connect.Request[v1.SubmitRequest]) (*connect.Response[v1.SubmitResponse], error) {
	if n := len(r.Msg.External); n == 0 || n > types.MaxExternalBytes {
		return nil, fmt.Errorf("%w: external message: got %d bytes, want 1 to %d", ErrInvalid, n, types.MaxExternalBytes)
	}
	a, err := s.b.Submit(ctx, r.Msg.External)
	return answer(a, err, func(a *Admission) *v1.SubmitResponse {
		return &v1.SubmitResponse{Id: hexOf(a.ID), Body: hexOf(a.Body), Receipt: a.Receipt}
	})
}

func (s *nodeService) Status(ctx context.Context, r *connect.Request[v1.StatusRequest]) (*connect.Response[v1.StatusResponse], error) {
	id, err := proofs.ParseHash(r.Msg.Id)
	if err != nil {
		return nil, err
	}
	st, err := s.b.Status(ctx, id)
	return answer(st, err, statusToWire)
}

// errReached ends a watch that has seen what it waited for.
var errReached = errors.New("reached")

func (s *nodeService) WatchStatus(ctx context.Context, r *connect.Request[v1.WatchStatusRequest], out *connect.ServerStream[v1.StatusResponse]) error {
	id, err := proofs.ParseHash(r.Msg.Id)
	if err != nil {
		return err
	}
	until := StageCertified
	if w := r.Msg.Until; w != v1.Stage_STAGE_UNSPECIFIED {
		if until, err = stageFrom(w); err != nil {
			return fmt.Errorf("%w: unknown stage %d", ErrInvalid, w)
		}
	}
	err = s.b.WatchStatus(ctx, id, func(st Status) error {
		if err := out.Send(statusToWire(&st)); err != nil {
			return err
		}
		if st.Stage >= until {
			return errReached
		}
		return nil
	})
	if errors.Is(err, errReached) {
		return nil
	}
	return err
}

func (s *nodeService) Account(ctx context.Context, r *connect.Request[v1.AccountRequest]) (*connect.Response[v1.AccountResponse], error) {
	var id proofs.AccountID
	if err := id.UnmarshalText([]byte(r.Msg.Account)); err != nil {
		return nil, err
	}
	a, err := s.b.Account(ctx, id)
	return answer(a, err, accountToWire)
}

func (s *nodeService) Trace(ctx context.Context, r *connect.Request[v1.TraceRequest]) (*connect.Response[v1.TraceResponse], error) {
	id, err := proofs.ParseHash(r.Msg.Id)
	if err != nil {
		return nil, err
	}
	t, err := s.b.Trace(ctx, id)
	return answer(t, err, traceToWire)
}

func (s *nodeService) TraceMessage(ctx context.Context, r *connect.Request[v1.TraceMessageRequest]) (*connect.Response[v1.TraceResponse], error) {
	var source proofs.NetworkID
	if err := source.UnmarshalText([]byte(r.Msg.Source)); err != nil {
		return nil, err
	}
	t, err := s.b.TraceMessage(ctx, source, r.Msg.Incarnation, r.Msg.Index)
	return answer(t, err, traceToWire)
}

func (s *nodeService) Header(ctx context.Context, r *connect.Request[v1.HeaderRequest]) (*connect.Response[v1.HeaderResponse], error) {
	h, err := s.b.Header(ctx, r.Msg.Height)
	return answer(h, err, headerToWire)
}

func (s *nodeService) Zero(ctx context.Context, _ *connect.Request[v1.ZeroRequest]) (*connect.Response[v1.ZeroResponse], error) {
	z, err := s.b.Zero(ctx)
	return answer(z, err, func(z *proofs.ZeroHeader) *v1.ZeroResponse {
		return &v1.ZeroResponse{ZeroHeader: z.MarshalCanoto(), TimeMs: z.Time, Parameters: parametersToWire(&z.Parameters)}
	})
}

func (s *nodeService) KeyBlocks(ctx context.Context, r *connect.Request[v1.KeyBlocksRequest]) (*connect.Response[v1.KeyBlocksResponse], error) {
	limit := limitOf(r.Msg.Limit, MaxKeyBlocks)
	blocks, err := s.b.KeyBlocks(ctx, r.Msg.From, limit)
	return answer(blocks, err, func(b []proofs.KeyBlock) *v1.KeyBlocksResponse { return keyBlocksToWire(b, limit) })
}

func (s *nodeService) Prove(ctx context.Context, r *connect.Request[v1.ProveRequest]) (*connect.Response[v1.ProveResponse], error) {
	if n := len(r.Msg.Keys); n == 0 || n > MaxProveKeys {
		return nil, fmt.Errorf("%w: got %d keys, want 1 to %d", ErrInvalid, n, MaxProveKeys)
	}
	for i, k := range r.Msg.Keys {
		if len(k) == 0 || len(k) > MaxKeyBytes {
			return nil, fmt.Errorf("%w: key %d: got %d bytes, want 1 to %d", ErrInvalid, i, len(k), MaxKeyBytes)
		}
	}
	p, err := s.b.Prove(ctx, r.Msg.Keys)
	if err != nil {
		return nil, err
	}
	w, err := proofToWire(p)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(w), nil
}

// Receipts asks for fewer receipts while the answer is too large: cutting it here
// would break its proof.
func (s *nodeService) Receipts(ctx context.Context, r *connect.Request[v1.ReceiptsRequest]) (*connect.Response[v1.ReceiptsResponse], error) {
	for limit := limitOf(r.Msg.Limit, MaxReceipts); ; limit /= 2 {
		p, err := s.b.Receipts(ctx, r.Msg.From, limit)
		if err != nil {
			return nil, err
		}
		if w, size := receiptsToWire(p); size <= maxAnswer || limit == 1 {
			return connect.NewResponse(w), nil
		}
	}
}

func (s *nodeService) Slice(ctx context.Context, r *connect.Request[v1.SliceRequest]) (*connect.Response[v1.SliceResponse], error) {
	var peer proofs.NetworkID
	if err := peer.UnmarshalText([]byte(r.Msg.Peer)); err != nil {
		return nil, err
	}
	sl, err := s.b.Slice(ctx, peer, r.Msg.From, limitOf(r.Msg.Limit, proofs.MaxSliceMessages))
	return answer(sl, err, sliceToWire)
}

func (s *nodeService) Validators(ctx context.Context, _ *connect.Request[v1.ValidatorsRequest]) (*connect.Response[v1.ValidatorsResponse], error) {
	m, err := s.b.Validators(ctx)
	return answer(m, err, membershipToWire)
}

func (s *nodeService) Links(ctx context.Context, _ *connect.Request[v1.LinksRequest]) (*connect.Response[v1.LinksResponse], error) {
	links, err := s.b.Links(ctx)
	return answer(links, err, func(links []Link) *v1.LinksResponse {
		w := &v1.LinksResponse{}
		for i := range links[:min(len(links), MaxLinks)] {
			w.Links = append(w.Links, linkToWire(&links[i]))
		}
		return w
	})
}

func (s *nodeService) Watch(ctx context.Context, _ *connect.Request[v1.WatchRequest], out *connect.ServerStream[v1.WatchResponse]) error {
	// The headers go out at once, so that the client knows that it is heard.
	if err := out.Send(nil); err != nil {
		return err
	}
	return s.b.Watch(ctx, func(e Event) error { return out.Send(eventToWire(&e)) })
}
