package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// The file "signing.rec" is a sequence of frames. The first holds recordMagic ‖ floor(8),
// the others entries of entrySize bytes, big-endian:
//
//	kind(1) ‖ epoch(8) ‖ view(8) ‖ sub(8) ‖ digest(32)
const (
	recordMagic = "ISTHSIG1"
	entrySize   = 57
)

func appendEntry(buf []byte, e Entry) []byte {
	buf = append(buf, e.Slot.Kind)
	buf = binary.BigEndian.AppendUint64(buf, e.Slot.Epoch)
	buf = binary.BigEndian.AppendUint64(buf, e.Slot.View)
	buf = binary.BigEndian.AppendUint64(buf, e.Slot.Sub)
	return append(buf, e.Digest[:]...)
}

func parseEntry(b []byte) Entry {
	return Entry{
		Slot: Slot{
			Kind:  b[0],
			Epoch: binary.BigEndian.Uint64(b[1:]),
			View:  binary.BigEndian.Uint64(b[9:]),
			Sub:   binary.BigEndian.Uint64(b[17:]),
		},
		Digest: [32]byte(b[25:entrySize]),
	}
}

// encodeRecord returns a whole file, its entries sorted, and the next frame's sequence.
func encodeRecord(floor uint64, votes map[Slot][32]byte) ([]byte, uint64) {
	data := appendFrame(nil, 1, binary.BigEndian.AppendUint64([]byte(recordMagic), floor))
	entries := make([][]byte, 0, len(votes))
	for slot, digest := range votes {
		entries = append(entries, appendEntry(nil, Entry{Slot: slot, Digest: digest}))
	}
	slices.SortFunc(entries, bytes.Compare)
	seq := uint64(2)
	const perFrame = maxFrame / entrySize
	for chunk := range slices.Chunk(entries, perFrame) {
		data = appendFrame(data, seq, bytes.Join(chunk, nil))
		seq++
	}
	return data, seq
}

// recover reads the file, cuts a torn tail, and opens it for append. An unfinished
// replacement is left to be overwritten by the next.
func (r *SigningRecord) recover() error {
	data, err := readFile(r.fs, r.path())
	if errors.Is(err, fs.ErrNotExist) {
		if err := r.replace(0, nil); err != nil {
			return fmt.Errorf("store: signing record: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("store: signing record: %w", err)
	}
	valid, seq, err := scanFrames(r.path(), data, 1, r.load)
	if err != nil {
		return err
	}
	if seq == 1 {
		// The file is put in place only after it was synced, so it is never without a head.
		return &CorruptError{File: r.path(), Reason: "no head"}
	}
	f, err := r.fs.OpenFile(r.path(), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("store: signing record: %w", err)
	}
	if err := cutAndSync(r.fs, r.dir, f, valid, len(data)); err != nil {
		return fmt.Errorf("store: signing record: %w", errors.Join(err, f.Close()))
	}
	r.file, r.seq = f, seq
	return nil
}

// load takes in one frame.
func (r *SigningRecord) load(seq uint64, payload []byte) error {
	if seq == 1 {
		if len(payload) != len(recordMagic)+8 || string(payload[:len(recordMagic)]) != recordMagic {
			return &CorruptError{File: r.path(), Reason: "not a signing record"}
		}
		r.floor = binary.BigEndian.Uint64(payload[len(recordMagic):])
		return nil
	}
	if len(payload)%entrySize != 0 {
		return &CorruptError{File: r.path(), Reason: fmt.Sprintf("frame %d holds %d bytes, want a multiple of %d", seq, len(payload), entrySize)}
	}
	for ; len(payload) > 0; payload = payload[entrySize:] {
		e := parseEntry(payload)
		if have, ok := r.votes[e.Slot]; ok && have != e.Digest {
			return &CorruptError{File: r.path(), Reason: fmt.Sprintf("%s is recorded twice", e.Slot)}
		}
		r.votes[e.Slot] = e.Digest
	}
	return nil
}
