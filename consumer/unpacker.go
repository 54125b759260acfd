package consumer

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// unpacker decompresses batches, one at a time. It keeps its zstd decoder from batch to batch.
type unpacker struct {
	turn chan struct{} // a lock: holds an element while a batch is read
	zstd *zstd.Decoder // kept for the next batch; nil for none
}

func newUnpacker() *unpacker { return &unpacker{turn: make(chan struct{}, 1)} }

// The window of a zstd text, in bytes, is how far back it may refer, and how much memory its decoder takes. Brokers that run
// on Java accept no window larger than maxWindow. Only the highest levels of compression use a window larger than keptWindow;
// its decoder is not kept for the next batch.
const (
	maxWindow  = 128 << 20
	keptWindow = 8 << 20
)

// open returns a reader of the decompressed bytes of b. It must be closed before the next one is opened.
func (u *unpacker) open(how compress.Compression, b []byte) (io.ReadCloser, error) {
	if how == compress.None {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	if how == compress.Zstd {
		return u.openZstd(b)
	}
	codec := how.Codec()
	if codec == nil {
		return nil, fmt.Errorf("the compression %d is not known", how)
	}
	return codec.NewReader(bytes.NewReader(b)), nil
}

func (u *unpacker) openZstd(b []byte) (io.ReadCloser, error) {
	var head zstd.Header
	if err := head.Decode(b); err != nil {
		return nil, err
	}
	d := u.zstd
	u.zstd = nil
	if d == nil {
		var err error
		d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
	}
	if err := d.Reset(bytes.NewReader(b)); err != nil {
		d.Close()
		return nil, err
	}
	return &zstdReader{Decoder: d, of: u, keep: !head.Skippable && head.WindowSize <= keptWindow}, nil
}

// zstdReader gives its decoder back to the unpacker when it is closed.
type zstdReader struct {
	*zstd.Decoder
	of   *unpacker
	keep bool
}

// Close implements [io.Closer].
func (z *zstdReader) Close() error {
	if z.keep && z.Reset(nil) == nil {
		z.of.zstd = z.Decoder
	} else {
		z.Decoder.Close()
	}
	return nil
}
