package nsqd

import "encoding/json"

// features answers an IDENTIFY with feature_negotiation. The order of the fields is that of a stock nsqd.
type features struct {
	MaxRdyCount         int64  `json:"max_rdy_count"`
	Version             string `json:"version"`
	MaxMsgTimeout       int64  `json:"max_msg_timeout"`
	MsgTimeout          int64  `json:"msg_timeout"`
	TLS                 bool   `json:"tls_v1"`
	Deflate             bool   `json:"deflate"`
	DeflateLevel        int    `json:"deflate_level"`
	MaxDeflateLevel     int    `json:"max_deflate_level"`
	Snappy              bool   `json:"snappy"`
	SampleRate          int    `json:"sample_rate"`
	AuthRequired        bool   `json:"auth_required"`
	OutputBufferSize    int64  `json:"output_buffer_size"`
	OutputBufferTimeout int64  `json:"output_buffer_timeout"`
	TopologyRegion      string `json:"topology_region"`
	TopologyZone        string `json:"topology_zone"`
}

const defaultDeflateLevel = 6

// negotiate answers with what the client gets, and goes over to it.
func (c *conn) negotiate(id *identity) error {
	o := &c.server.o
	// What the connection has already isn't granted again: the client would start a second layer inside the first.
	compressed := c.deflate || c.snappy
	f := features{
		MaxRdyCount:         o.MaxRdyCount,
		Version:             o.Version,
		MaxMsgTimeout:       o.MaxMsgTimeout.Milliseconds(),
		MsgTimeout:          c.agreed.msgTimeout.Milliseconds(),
		TLS:                 id.TLS && o.TLS != nil && c.tls == nil && !compressed,
		Deflate:             id.Deflate && o.Deflate && !compressed,
		DeflateLevel:        min(defaultDeflateLevel, o.MaxDeflateLevel),
		MaxDeflateLevel:     o.MaxDeflateLevel,
		Snappy:              id.Snappy && o.Snappy && !compressed,
		SampleRate:          c.agreed.sampleRate,
		AuthRequired:        o.Auth != nil,
		OutputBufferSize:    c.agreed.outputBufferSize,
		OutputBufferTimeout: c.agreed.outputBufferTimeout.Milliseconds(),
		TopologyRegion:      o.TopologyRegion,
		TopologyZone:        o.TopologyZone,
	}
	if f.Deflate && f.Snappy {
		return fail(identifyFailed, "cannot enable both deflate and snappy compression")
	}
	if f.Deflate && id.DeflateLevel > 0 {
		f.DeflateLevel = min(id.DeflateLevel, o.MaxDeflateLevel)
	}
	answer, err := json.Marshal(f)
	if err != nil {
		return fail(identifyFailed, "IDENTIFY failed %v", err)
	}
	c.s.answers = appendFrame(c.s.answers, frameResponse, answer)
	if !f.TLS && !f.Deflate && !f.Snappy {
		return nil
	}
	if err := c.upgrade(&f); err != nil {
		return fail(identifyFailed, "IDENTIFY failed %v", err).because(err)
	}
	return nil
}
