package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// of is the selection of a request by the variables of the dashboard, and agent one of a metric
// that has no server.
const (
	of    = `job=~"$job", server_address=~"$server"`
	agent = `job=~"$job"`
)

// curve is a query, and the name of its curves.
type curve struct{ name, expr string }

// panel is a panel with curves.
type panel struct {
	title, description, unit string
	curves                   []curve
	stacked                  bool
}

//go:generate sh -c "go run . >h2trace.json.new && mv h2trace.json.new h2trace.json"

// build returns the dashboard, in the schema that all releases of Grafana read. Version 2 is for the
// newest.
func build() (any, error) {
	b := dashboard.NewDashboardBuilder("h2trace"). //nolint:staticcheck // see above
							Uid("h2trace").
							Description("What Go programs wait for in HTTP, and what h2trace itself costs.").
							Tags([]string{"h2trace", "http2", "prometheus"}).
							Readonly().
							Refresh("1m").
							Time("now-3h", "now").
							Timezone(common.TimeZoneBrowser).
							Tooltip(dashboard.DashboardCursorSyncCrosshair).
							WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
							WithVariable(variable("job", "Job", `label_values(h2trace_requests_total, job)`)).
							WithVariable(variable("server", "Server", `label_values(http_client_request_duration_seconds_count{`+agent+`}, server_address)`))
	for _, s := range stats {
		b.WithPanel(s.stat())
	}
	for _, r := range rows {
		b.WithRow(dashboard.NewRowBuilder(r.title))
		for _, p := range r.panels {
			b.WithPanel(p.timeseries())
		}
	}
	return b.Build()
}

// source is the data source that the user chooses.
func source() common.DataSourceRef {
	kind, uid := "prometheus", "$datasource"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// variable is one with all values of a label.
func variable(name, label, query string) *dashboard.QueryVariableBuilder {
	all := dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}}
	text := dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}
	return dashboard.NewQueryVariableBuilder(name).
		Label(label).
		Query(dashboard.StringOrMap{String: &query}).
		Datasource(source()).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).
		IncludeAll(true).
		AllValue(".*").
		Current(dashboard.VariableOption{Text: text, Value: all})
}

// target is the query of a curve.
func (c curve) target(refID string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Expr(c.expr).LegendFormat(c.name).RefId(refID).Range()
}

func (p panel) timeseries() *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().
		Title(p.title).
		Description(p.description).
		Datasource(source()).
		Unit(p.unit).
		Min(0).
		Height(8).
		Span(8).
		FillOpacity(10).
		ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementBottom).ShowLegend(true).
			Calcs([]string{"mean", "max"})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.stacked {
		b.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	}
	for i, c := range p.curves {
		b.WithTarget(c.target(string(rune('A' + i))))
	}
	return b
}

// stat is the panel of one number.
func (p panel) stat() *stat.PanelBuilder {
	return stat.NewPanelBuilder().
		Title(p.title).
		Description(p.description).
		Datasource(source()).
		Unit(p.unit).
		Height(4).
		Span(4).
		GraphMode(common.BigValueGraphModeArea).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		WithTarget(p.curves[0].target("A"))
}
