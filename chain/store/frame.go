package store

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A frame is the unit of the append-only files (WAL segments, signing record): what one
// durable call wrote. Big-endian:
//
//	magic(4) ‖ length(4) ‖ crc32c(4) ‖ sequence(8) ‖ payload(length)
//
// The checksum covers length, sequence and payload. Sequence rises by one from frame to
// frame and a frame is written only after the one before it was synced. So a broken
// frame that a valid later frame follows is damage to acknowledged bytes, and a broken
// frame that nothing follows is a torn write that was never acknowledged.
const (
	frameMagic  = 0x49574c46 // "IWLF"
	frameHeader = 20
	// maxFrame bounds a frame's payload in bytes.
	maxFrame = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frameSum(head, payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, head[4:8])
	sum = crc32.Update(sum, castagnoli, head[12:20])
	return crc32.Update(sum, castagnoli, payload)
}

// appendFrame appends one frame to buf.
func appendFrame(buf []byte, seq uint64, payload []byte) []byte {
	var head [frameHeader]byte
	binary.BigEndian.PutUint32(head[0:], frameMagic)
	binary.BigEndian.PutUint32(head[4:], uint32(len(payload)))
	binary.BigEndian.PutUint64(head[12:], seq)
	binary.BigEndian.PutUint32(head[8:], frameSum(head[:], payload))
	return append(append(buf, head[:]...), payload...)
}

// parseFrame reads the frame at the start of data. ok is false if there is none.
func parseFrame(data []byte) (seq uint64, payload []byte, size int, ok bool) {
	if len(data) < frameHeader || binary.BigEndian.Uint32(data) != frameMagic {
		return 0, nil, 0, false
	}
	n := int(binary.BigEndian.Uint32(data[4:]))
	if n > maxFrame || n > len(data)-frameHeader {
		return 0, nil, 0, false
	}
	payload = data[frameHeader : frameHeader+n]
	if binary.BigEndian.Uint32(data[8:]) != frameSum(data, payload) {
		return 0, nil, 0, false
	}
	return binary.BigEndian.Uint64(data[12:]), payload, frameHeader + n, true
}

// scanFrames calls fn for each frame of data, whose first frame has sequence seq, and
// returns the length of the valid prefix and the next sequence. A torn tail just ends
// the prefix; damage before a valid later frame is a *CorruptError for file.
func scanFrames(file string, data []byte, seq uint64, fn func(seq uint64, payload []byte) error) (int, uint64, error) {
	pos := 0
	for pos < len(data) {
		got, payload, size, ok := parseFrame(data[pos:])
		if !ok || got != seq {
			break
		}
		if err := fn(seq, payload); err != nil {
			return pos, seq, err
		}
		pos += size
		seq++
	}
	if at := laterFrame(data[pos:], seq); at >= 0 {
		return pos, seq, &CorruptError{File: file, Offset: int64(pos), Reason: "broken frame before a valid one"}
	}
	return pos, seq, nil
}

// laterFrame returns the offset in data of a valid frame of a sequence above seq, or -1.
func laterFrame(data []byte, seq uint64) int {
	magic := binary.BigEndian.AppendUint32(nil, frameMagic)
	for pos := 0; ; pos++ {
		i := bytes.Index(data[pos:], magic)
		if i < 0 {
			return -1
		}
		pos += i
		if got, _, _, ok := parseFrame(data[pos:]); ok && got > seq {
			return pos
		}
	}
}
