{{/* Where the topology comes from, and where it is. Its folder is mounted at /etc/millstream/topology unless it is in the program's own image. */}}

{{/* One of: files, configMap, image, path. */}}
{{- define "millstream.topologyKind" -}}
{{- with .Values.topology -}}
{{- if .files -}}files
{{- else if .existingConfigMap.name -}}configMap
{{- else if .image.reference -}}image
{{- else -}}path
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What MILLSTREAM_TOPOLOGY says: the folder, or the file in it. (list $ FILE) */}}
{{- define "millstream.topologyPath" -}}
{{- $root := index . 0 -}}
{{- $kind := include "millstream.topologyKind" $root -}}
{{- $folder := "/etc/millstream/topology" -}}
{{- if eq $kind "path" -}}
{{- $folder = $root.Values.topology.path | trimSuffix "/" -}}
{{- else if eq $kind "image" -}}
{{- $folder = printf "%s/%s" $folder (trimAll "/" $root.Values.topology.image.path) | trimSuffix "/" -}}
{{- end -}}
{{- $folder }}{{ with index . 1 }}/{{ . }}{{ end -}}
{{- end -}}

{{/* A key of a ConfigMap has no slash. */}}
{{- define "millstream.fileKey" -}}
{{- replace "/" "__" . -}}
{{- end -}}

{{- define "millstream.topologyData" -}}
{{- range $path, $content := .Values.topology.files }}
{{ dict (include "millstream.fileKey" $path) $content | toYaml }}
{{- end }}
{{- end -}}

{{/* The volume. (dict "root" $ "configMap" NAME): the pods' own ConfigMap, or the hook's. */}}
{{- define "millstream.topologyVolume" -}}
{{- $topology := .root.Values.topology -}}
{{- $kind := include "millstream.topologyKind" .root -}}
{{- if eq $kind "files" }}
- name: topology
  configMap:
    name: {{ .configMap | quote }}
    items:
      {{- range $path, $_ := $topology.files }}
      - {key: {{ include "millstream.fileKey" $path | quote }}, path: {{ $path | quote }}}
      {{- end }}
{{- else if eq $kind "configMap" }}
- name: topology
  configMap:
    name: {{ $topology.existingConfigMap.name | quote }}
    {{- with $topology.existingConfigMap.items }}
    items:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- else if eq $kind "image" }}
- name: topology
  image:
    reference: {{ $topology.image.reference | quote }}
    pullPolicy: {{ $topology.image.pullPolicy }}
{{- end }}
{{- end -}}

{{- define "millstream.topologyMount" -}}
{{- if ne (include "millstream.topologyKind" .) "path" }}
- {name: topology, mountPath: /etc/millstream/topology, readOnly: true}
{{- end }}
{{- end -}}

{{/* The files of the topology that stages run, each once, with the first stage that runs it: what hooks check. -> YAML, file: stage */}}
{{- define "millstream.files" -}}
{{- $root := . -}}
{{- $files := dict -}}
{{- range $name, $own := .Values.stages -}}
{{- if not (kindIs "invalid" $own) -}}
{{- $stage := include "millstream.stage" (list $root $name) | fromYaml -}}
{{- $key := default "topology.yaml" $stage.file -}}
{{- if not (hasKey $files $key) -}}{{- $_ := set $files $key $name -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}
