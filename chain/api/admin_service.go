package api

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	v1 "github.com/isthmus-network/isthmus/chain/api/isthmus/v1"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// adminService translates AdminService to an Admin.
type adminService struct{ a Admin }

func (s *adminService) Propose(ctx context.Context, r *connect.Request[v1.ProposeRequest]) (*connect.Response[v1.ProposeResponse], error) {
	m := r.Msg
	act := types.Act{
		Kind: types.ActKind(m.Kind), NetworkKind: m.NetworkKind,
		Window: m.Window, GasRate: m.GasRate, TrustPeriod: m.TrustPeriodMs, Expiry: m.ExpiryMs,
	}
	if m.Kind <= v1.ActKind_ACT_KIND_UNSPECIFIED || m.Kind > v1.ActKind_ACT_KIND_REMOVE_VALIDATOR {
		return nil, fmt.Errorf("%w: unknown kind of act %d", ErrInvalid, m.Kind)
	}
	if len(m.NetworkKind) > maxName {
		return nil, fmt.Errorf("%w: network kind: got %d bytes, want at most %d", ErrInvalid, len(m.NetworkKind), maxName)
	}
	if err := act.Peer.UnmarshalText([]byte(m.Peer)); err != nil {
		return nil, err
	}
	if len(m.Validator) > 0 {
		act.Validator = new(proofs.Validator)
		if err := proofs.Decode(act.Validator, m.Validator, maxValidatorBytes); err != nil {
			return nil, fmt.Errorf("validator: %w", err)
		}
	}
	if act.OnSet() != (act.Validator != nil) {
		return nil, fmt.Errorf("%w: kind of act %d, validator given: %t", ErrInvalid, m.Kind, act.Validator != nil)
	}
	id, err := s.a.Propose(ctx, act)
	return answer(id, err, func(id proofs.Hash) *v1.ProposeResponse { return &v1.ProposeResponse{Id: hexOf(id)} })
}

func (s *adminService) Approve(ctx context.Context, r *connect.Request[v1.ApproveRequest]) (*connect.Response[v1.ApproveResponse], error) {
	id, err := proofs.ParseHash(r.Msg.Id)
	if err != nil {
		return nil, err
	}
	if err := s.a.Approve(ctx, id); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.ApproveResponse{}), nil
}

func (s *adminService) Acts(ctx context.Context, _ *connect.Request[v1.ActsRequest]) (*connect.Response[v1.ActsResponse], error) {
	acts, err := s.a.Acts(ctx)
	return answer(acts, err, func(acts []ActState) *v1.ActsResponse {
		w := &v1.ActsResponse{}
		for i := range acts[:min(len(acts), MaxActs)] {
			w.Acts = append(w.Acts, actToWire(&acts[i]))
		}
		return w
	})
}

func (s *adminService) SetPeers(ctx context.Context, r *connect.Request[v1.SetPeersRequest]) (*connect.Response[v1.SetPeersResponse], error) {
	var network proofs.NetworkID
	if err := network.UnmarshalText([]byte(r.Msg.Network)); err != nil {
		return nil, err
	}
	if n := len(r.Msg.Addrs); n == 0 || n > MaxAddrs {
		return nil, fmt.Errorf("%w: got %d addresses, want 1 to %d", ErrInvalid, n, MaxAddrs)
	}
	for _, a := range r.Msg.Addrs {
		if len(a) == 0 || len(a) > maxText {
			return nil, fmt.Errorf("%w: address of %d bytes, want 1 to %d", ErrInvalid, len(a), maxText)
		}
	}
	if err := s.a.SetPeers(ctx, network, r.Msg.Addrs); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.SetPeersResponse{}), nil
}
