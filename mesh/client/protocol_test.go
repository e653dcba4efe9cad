package client

import (
	"bytes"
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
)

func TestAnswerRefuses(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(1)
	f.keyBlock()
	good := SliceRequest{Reader: reader, Incarnation: 1, MaxMessages: 1, MaxBytes: 1000}
	if b, err := Answer(f, ProtoSlice, good.MarshalCanoto()); err != nil || len(b) == 0 {
		t.Fatalf("the request that the others are made from: got %d bytes, %v", len(b), err)
	}
	keys := KeyBlocksRequest{Limit: 1 << 30}
	if b, err := Answer(f, ProtoKeyBlocks, keys.MarshalCanoto()); err != nil || len(b) == 0 {
		t.Fatalf("key blocks: got %d bytes, %v", len(b), err)
	}
	if b, err := Answer(f, ProtoZero, nil); err != nil || len(b) == 0 {
		t.Fatalf("zero: got %d bytes, %v", len(b), err)
	}
	unbounded, none := good, KeyBlocksRequest{}
	unbounded.MaxMessages = 0
	for name, tc := range map[string]struct {
		proto Proto
		req   []byte
	}{
		"unknown":       {"/isthmus/other/1", nil},
		"zero":          {ProtoZero, []byte{1}},
		"keys garbage":  {ProtoKeyBlocks, []byte("\xff")},
		"keys none":     {ProtoKeyBlocks, none.MarshalCanoto()},
		"slice garbage": {ProtoSlice, []byte("\xff")},
		"slice nothing": {ProtoSlice, unbounded.MarshalCanoto()},
		"trailing":      {ProtoSlice, append(good.MarshalCanoto(), 0)},
	} {
		if _, err := Answer(f, tc.proto, tc.req); !errors.Is(err, proofs.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
	if _, err := Answer(f, ProtoSlice, make([]byte, MaxRequestBytes+1)); !errors.Is(err, proofs.ErrTooLarge) {
		t.Errorf("oversized: got %v, want ErrTooLarge", err)
	}
}

func TestAnswerIsEmptyWithoutNews(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(2)
	f.head.Acked, f.head.Settled = 5, 5
	f.block()
	ask := func(change func(*SliceRequest)) int {
		r := SliceRequest{Reader: reader, Incarnation: 1, Start: 2, Settled: 5, MaxMessages: 10, MaxBytes: 1000}
		change(&r)
		b, err := Answer(f, ProtoSlice, r.MarshalCanoto())
		if err != nil {
			t.Fatal(err)
		}
		return len(b)
	}
	for name, tc := range map[string]struct {
		change func(*SliceRequest)
		news   bool
	}{
		"nothing new":       {func(*SliceRequest) {}, false},
		"messages":          {func(r *SliceRequest) { r.Start = 1 }, true},
		"settled":           {func(r *SliceRequest) { r.Settled = 4 }, true},
		"bare":              {func(r *SliceRequest) { r.Bare = true }, true},
		"shorter":           {func(r *SliceRequest) { r.Start = 3 }, true},
		"other reader":      {func(r *SliceRequest) { r.Start, r.Reader = 1, proofs.NetworkID{1} }, false},
		"other incarnation": {func(r *SliceRequest) { r.Start, r.Incarnation = 1, 2 }, false},
		"too new":           {func(r *SliceRequest) { r.Start, r.After = 1, 1 }, false},
	} {
		if got := ask(tc.change) > 0; got != tc.news {
			t.Errorf("%s: got an answer %v, want %v", name, got, tc.news)
		}
	}
}

func TestAnnouncements(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(2)
	a := f.keyBlock()
	if a.KeyHeight != a.Height || a.Heads[0].End != 2 {
		t.Fatalf("got announcement %+v", a)
	}
	if b := f.block(); b.KeyHeight != a.Height || b.Epoch != 1 {
		t.Fatalf("got announcement %+v after the key block", b)
	}
	if _, err := DecodeAnnouncement(f.zero.ID, a.MarshalCanoto()); err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeAnnouncement(reader, a.MarshalCanoto()); !errors.Is(err, proofs.ErrNetwork) {
		t.Errorf("other network: got %v", err)
	}
	h := proofs.Header{Network: f.zero.ID, Height: 2, Executed: 1}
	full := AnnouncementOf(&h, make([]proofs.QueueHead, 1000))
	if len(full.Heads) != MaxAnnouncedHeads {
		t.Errorf("got %d heads, want %d", len(full.Heads), MaxAnnouncedHeads)
	}
	for i := range full.Heads {
		n := &full.Heads[i]
		n.Peer[0], n.Incarnation, n.End, n.Acked, n.Settled, n.Outcomes = 1, 1<<63, 1<<63, 1<<63, 1<<63, 1<<31
	}
	if _, err := DecodeAnnouncement(f.zero.ID, full.MarshalCanoto()); err != nil {
		t.Errorf("the largest announcement: %v", err)
	}
	full.Executed = full.Height
	if _, err := DecodeAnnouncement(f.zero.ID, full.MarshalCanoto()); !errors.Is(err, proofs.ErrMalformed) {
		t.Errorf("executed beyond height: got %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, p := range Protos() {
		if p != Proto("/isthmus/"+p.Name()+"/1") || p.MaxResponse() == 0 {
			t.Errorf("%s: name %s", p, p.Name())
		}
	}
}

func FuzzWire(f *testing.F) {
	a := Announcement{Network: proofs.NetworkID{1}, Height: 2, Heads: []HeadNews{{End: 3}}}
	r := SliceRequest{Reader: reader, Start: 4, Bare: true}
	k := KeyBlocksRequest{From: 1, Limit: 2}
	for _, b := range [][]byte{a.MarshalCanoto(), r.MarshalCanoto(), k.MarshalCanoto()} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var a Announcement
		if proofs.Decode(&a, b, MaxAnnouncementBytes) == nil && !bytes.Equal(a.MarshalCanoto(), b) {
			t.Error("announcement: encoding again gives other bytes")
		}
		var r SliceRequest
		if proofs.Decode(&r, b, MaxRequestBytes) == nil && !bytes.Equal(r.MarshalCanoto(), b) {
			t.Error("slice request: encoding again gives other bytes")
		}
		var k KeyBlocksRequest
		if proofs.Decode(&k, b, MaxRequestBytes) == nil && !bytes.Equal(k.MarshalCanoto(), b) {
			t.Error("key block request: encoding again gives other bytes")
		}
		var kr KeyBlocksResponse
		if proofs.Decode(&kr, b, MaxKeyBlocksBytes) == nil && !bytes.Equal(kr.MarshalCanoto(), b) {
			t.Error("key blocks: encoding again gives other bytes")
		}
	})
}
