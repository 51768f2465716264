package metrics

import "github.com/prometheus/client_golang/prometheus"

// Metric is what people read about one metric.
type Metric struct {
	Name, Help string
	Counter    bool     // else a gauge
	Labels     []string // in this order
}

func (m *Metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

// sample is one value with those labels that the metric has beyond its table's.
type sample struct {
	value  float64
	labels []string
}

// metric is a row of a table: how a T becomes samples.
type metric[T any] struct {
	Metric
	described *prometheus.Desc
	read      func(T) []sample
}

// table is metrics of one kind of thing, all of which have the labels that tell things of that kind apart.
type table[T any] struct {
	labels []string
	rows   []metric[T]
}

func newTable[T any](labels []string, rows ...metric[T]) *table[T] {
	for i := range rows {
		m := &rows[i]
		m.Labels = append(labels[:len(labels):len(labels)], m.Labels...)
		m.described = m.desc()
	}
	return &table[T]{labels: labels, rows: rows}
}

func (t *table[T]) list() (all []Metric) {
	for _, m := range t.rows {
		all = append(all, m.Metric)
	}
	return all
}

func gauge[T any](name, help string, value func(T) float64) metric[T] {
	return metric[T]{Metric: Metric{Name: "nsqmesh_" + name, Help: help}, read: one(value)}
}

func counter[T any](name, help string, value func(T) float64) metric[T] {
	m := gauge(name, help, value)
	m.Counter = true
	return m
}

// vector has several values of one thing, told apart by further labels.
func vector[T any](name, help string, counts bool, labels []string, read func(T) []sample) metric[T] {
	return metric[T]{Metric: Metric{Name: "nsqmesh_" + name, Help: help, Counter: counts, Labels: labels}, read: read}
}

func one[T any](value func(T) float64) func(T) []sample {
	return func(of T) []sample { return []sample{{value: value(of)}} }
}

// emit sends all metrics of a thing, which its labels name.
func emit[T any](out chan<- prometheus.Metric, t *table[T], of T, labels ...string) {
	for i := range t.rows {
		m := &t.rows[i]
		kind := prometheus.GaugeValue
		if m.Counter {
			kind = prometheus.CounterValue
		}
		for _, s := range m.read(of) {
			out <- prometheus.MustNewConstMetric(m.described, kind, s.value, append(labels[:len(labels):len(labels)], s.labels...)...)
		}
	}
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
