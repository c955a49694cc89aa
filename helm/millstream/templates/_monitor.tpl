{{/* How a pod is scraped, by a ServiceMonitor or a PodMonitor. Dashboards and alerts know an instance by `namespace`, which the operator sets, and `instance`.
(dict "root" $ "monitor" VALUES) */}}
{{- define "millstream.endpoint" -}}
- port: http
  path: /metrics
  interval: {{ .monitor.interval }}
  {{- with .monitor.scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  relabelings:
    # The pod's name, so that it is the same after a restart.
    - {sourceLabels: [__meta_kubernetes_pod_name], targetLabel: instance}
    - {sourceLabels: [__meta_kubernetes_pod_label_millstream_stage], targetLabel: stage}
    {{- with .monitor.relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .monitor.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
