// Draws the charts of a report. Each figure carries its figures as JSON; nothing else is read, nothing is fetched.
(function () {
  "use strict";
  var root = document.documentElement;
  var errors = 0;
  window.addEventListener("error", function () { root.dataset.errors = String(++errors); });
  document.addEventListener("securitypolicyviolation", function () { root.dataset.errors = String(++errors); });

  var themes = {
    light: {
      paper: "#ffffff", ink: "#1b1f24", faint: "#5b6470", rule: "#d9dee4", line: "#aab2bc", box: "#ffffff",
      series: ["#0067a8", "#c8500a", "#00805c", "#a83e82", "#8a6d00", "#2b8fd0", "#6b4fc4", "#5b6470",
               "#d0496b", "#5f9e1a"],
      none: "#5b6470", good: "#2a9150", notice: "#2277bb", warning: "#d08a12", bad: "#cc3a30", broken: "#8b45b0"
    },
    dark: {
      paper: "#15181c", ink: "#e4e7eb", faint: "#9aa4b0", rule: "#2c3138", line: "#59626d", box: "#262c33",
      series: ["#5cb3f0", "#f08c4a", "#3fc79a", "#e48bc4", "#e0c04c", "#9bd4ff", "#b39df5", "#9aa4b0",
               "#ff8fa3", "#a4d65e"],
      none: "#9aa4b0", good: "#48b070", notice: "#5ca8e8", warning: "#dba33c", bad: "#ee6a5f", broken: "#b97ddc"
    }
  };
  var fonts = 'system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';
  var small = 12;

  function escaped(text) {
    return String(text).replace(/[&<>"']/g, function (each) { return "&#" + each.charCodeAt(0) + ";"; });
  }

  function number(value) {
    if (value === null || value === undefined) return "–";
    var size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e9)) return Number(value).toExponential(2).replace(/\.?0+e/, "e");
    var text = String(Number(Number(value).toPrecision(5)));
    return size >= 1e4 ? text.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f") : text;
  }

  function withUnit(value, axis) { return number(value) + (axis.unit ? " " + axis.unit : ""); }
  function titleOf(axis) { return axis.unit ? axis.title + " [" + axis.unit + "]" : axis.title; }

  var ruler = document.createElement("canvas").getContext("2d");
  function widest(texts, limit) {
    ruler.font = small + "px " + fonts;
    return Math.min(limit, texts.reduce(function (most, text) {
      return Math.max(most, ruler.measureText(text).width);
    }, 0));
  }
  function clamp(text, width) {
    ruler.font = small + "px " + fonts;
    if (ruler.measureText(text).width <= width) return text;
    while (text.length > 1 && ruler.measureText(text + "…").width > width) text = text.slice(0, -1);
    return text + "…";
  }

  // Between two colours "#rrggbb": 0 is the first, 1 the second.
  function mixed(first, second, share) {
    var made = "#";
    for (var place = 1; place < 7; place += 2) {
      var a = parseInt(first.substr(place, 2), 16), b = parseInt(second.substr(place, 2), 16);
      made += ("0" + Math.round(a + (b - a) * share).toString(16)).slice(-2);
    }
    return made;
  }

  function valueAxis(axis, theme, more) {
    var made = Object.assign({
      type: axis.log ? "log" : "value", name: titleOf(axis), nameLocation: "middle", scale: false,
      nameTextStyle: { color: theme.faint, fontSize: small + 1 },
      axisLabel: { color: theme.faint, fontSize: small, formatter: number, hideOverlap: true },
      axisLine: { show: true, lineStyle: { color: theme.line } }, axisTick: { show: true },
      splitLine: { show: true, lineStyle: { color: theme.rule } }
    }, more);
    if (made.minorSplitLine) made.minorSplitLine.lineStyle = { color: theme.rule, opacity: 0.5 };
    return made;
  }

  function nameAxis(names, width, theme, more) {
    return Object.assign({
      type: "category", data: names, inverse: true,
      axisLabel: { color: theme.ink, fontSize: small, interval: 0,
                   formatter: function (text) { return clamp(text, width); } },
      axisLine: { lineStyle: { color: theme.line } }, axisTick: { show: false }
    }, more);
  }

  // Black or white, whichever is easier to read on "#rrggbb" (relative luminance of WCAG 2).
  function readableOn(colour) {
    var parts = [1, 3, 5].map(function (place) {
      var part = parseInt(colour.substr(place, 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] > 0.18 ? "#101418" : "#ffffff";
  }

  // Range of a logarithmic axis: powers of two when all values are such, else the powers of ten around them.
  function decades(values) {
    var positive = values.filter(function (value) { return value !== null && value > 0; });
    if (!positive.length) return { min: 0.1, max: 10 };
    var least = Math.min.apply(null, positive), most = Math.max.apply(null, positive);
    if (least < most && most / least <= 4096 &&
        positive.every(function (value) { return Number.isInteger(Math.log2(value)); }))
      return { min: least, max: most, logBase: 2 };
    var min = Math.pow(10, Math.floor(Math.log10(least) + 1e-9));
    var max = Math.pow(10, Math.ceil(Math.log10(most) - 1e-9));
    return { min: min, max: max > min ? max : min * 10, minorTick: { show: true, splitNumber: 9 },
             minorSplitLine: { show: max / min <= 1e4 } };
  }

  function frame(theme, more) {
    return Object.assign({
      animation: false, backgroundColor: "transparent", color: theme.series,
      textStyle: { fontFamily: fonts, color: theme.ink },
      tooltip: { trigger: "item", confine: true, backgroundColor: theme.box, borderColor: theme.line,
                 textStyle: { color: theme.ink, fontSize: small + 1 } }
    }, more);
  }

  function legend(names, theme) {
    return { type: "scroll", data: names, top: 0, left: 0, itemWidth: 18, itemHeight: 10,
             textStyle: { color: theme.ink, fontSize: small + 1 }, pageTextStyle: { color: theme.faint },
             pageIconColor: theme.ink, pageIconInactiveColor: theme.line,
             formatter: function (name) { return clamp(name, 260); } };
  }

  // Each drawer returns the chart's height in pixels and its option.
  var draw = {};

  draw.heat_map = function (data, theme) {
    var width = widest(data.rows, 300);
    // Titles of several words take several lines.
    var heads = data.columns.map(function (title) {
      return title.split(" ").map(function (word) { return clamp(word, 90); }).join("\n");
    });
    var lines = heads.reduce(function (most, title) { return Math.max(most, title.split("\n").length); }, 1);
    var cells = [];
    data.counts.forEach(function (row, y) {
      var total = row.reduce(function (sum, count) { return sum + count; }, 0);
      row.forEach(function (count, x) {
        var hue = theme[data.meanings[x] || "notice"];
        var share = count ? 0.16 + 0.84 * Math.sqrt(count / total) : 0;
        var colour = mixed(theme.paper, hue, share);
        cells.push({ value: [x, y, count], share: total ? count / total : 0,
                     itemStyle: { color: count ? colour : mixed(theme.paper, theme.rule, 0.25) }, label: { color: readableOn(colour) } });
      });
    });
    var top = 12 + 16 * lines;
    return {
      height: top + 8 + 24 * Math.max(1, data.rows.length),
      option: frame(theme, {
        grid: { left: width + 14, right: 12, top: top, bottom: 6 },
        xAxis: { type: "category", data: heads, position: "top", axisTick: { show: false },
                 axisLine: { lineStyle: { color: theme.line } },
                 axisLabel: { color: theme.ink, fontSize: small, interval: 0, lineHeight: 15 },
                 splitLine: { show: true, lineStyle: { color: theme.rule } } },
        yAxis: nameAxis(data.rows, width, theme, { splitLine: { show: true, lineStyle: { color: theme.rule } } }),
        tooltip: Object.assign(frame(theme).tooltip, { formatter: function (hover) {
          var value = hover.value;
          return escaped(data.rows[value[1]]) + "<br>" + escaped(data.columns[value[0]]) + ": <b>" +
                 number(value[2]) + "</b> (" + number(100 * hover.data.share) + " %)";
        } }),
        series: [{ type: "heatmap", data: cells,
                   label: { show: true, fontSize: small,
                            formatter: function (cell) { return cell.value[2] ? number(cell.value[2]) : ""; } },
                   itemStyle: { borderColor: theme.paper, borderWidth: 1 },
                   emphasis: { itemStyle: { borderColor: theme.ink } } }]
      })
    };
  };

  draw.intervals = function (data, theme) {
    var rows = data.intervals, names = rows.map(function (each) { return each.label; });
    var width = widest(names, 300), notes = widest(rows.map(function (each) { return each.note; }), 220);
    var all = rows.reduce(function (made, each) { return made.concat([each.point, each.low, each.high]); },
                          data.reference ? [data.reference.value] : []);
    var range = data.scale.log ? decades(all) : {};
    function item(params, api) {
      var row = rows[params.dataIndex], y = api.coord([api.value(0), params.dataIndex])[1];
      var area = params.coordSys, hue = row.meaning === "none" ? theme.series[0] : theme[row.meaning];
      var place = function (value) { return value === null ? area.x : api.coord([value, params.dataIndex])[0]; };
      var parts = [];
      function stroke(x1, y1, x2, y2) {
        parts.push({ type: "line", shape: { x1: x1, y1: y1, x2: x2, y2: y2 },
                     style: { stroke: hue, lineWidth: 2 } });
      }
      if (row.high !== null) {
        var left = place(row.low), right = place(row.high);
        stroke(left, y, right, y);
        if (row.low !== null) stroke(left, y - 5, left, y + 5);
        stroke(right, y - 5, right, y + 5);
      }
      if (row.point !== null)
        parts.push({ type: "circle", shape: { cx: place(row.point), cy: y, r: 4.5 },
                     style: { fill: hue, stroke: theme.paper, lineWidth: 1 } });
      parts.push({ type: "text", x: area.x + area.width + 12, y: y,
                   style: { text: clamp(row.note, 220), fill: theme.faint, fontSize: small, fontFamily: fonts,
                            verticalAlign: "middle" } });
      return { type: "group", children: parts };
    }
    return {
      height: 70 + 26 * Math.max(1, rows.length),
      option: frame(theme, {
        grid: { left: width + 14, right: notes + 26, top: data.reference ? 24 : 8, bottom: 46 },
        xAxis: valueAxis(data.scale, theme, Object.assign({ nameGap: 28 }, range)),
        yAxis: nameAxis(names, width, theme),
        tooltip: Object.assign(frame(theme).tooltip, { formatter: function (hover) {
          var row = rows[hover.dataIndex];
          return escaped(row.label) + "<br><b>" + escaped(withUnit(row.point, data.scale)) + "</b> (" +
                 number(row.low) + " to " + number(row.high) + ")" + (row.note ? "<br>" + escaped(row.note) : "");
        } }),
        series: [{ type: "custom", renderItem: item, encode: { x: [0, 1, 2], y: 3 }, clip: false,
                   data: rows.map(function (each, index) { return [each.point, each.low, each.high, index]; }),
                   markLine: data.reference ? markLines([{ label: data.reference.label,
                                                           value: data.reference.value, on_x: true }], theme, "start")
                                            : undefined }]
      })
    };
  };

  function markLines(marks, theme, top) {
    return {
      symbol: "none", silent: true, lineStyle: { color: theme.faint, type: "dashed", width: 1.5 },
      data: marks.map(function (each) {
        var at = each.on_x ? { xAxis: each.value } : { yAxis: each.value };
        at.label = { formatter: function () { return each.label; }, color: theme.faint, fontSize: small,
                     position: each.on_x ? top : "insideEndTop" };
        return at;
      })
    };
  }

  function errorBars(curve, theme, hue) {
    return {
      type: "custom", name: curve.name, silent: true, itemStyle: { color: hue }, tooltip: { show: false },
      data: curve.points.filter(function (each) { return each.length === 4; }),
      renderItem: function (params, api) {
        var x = api.value(0), top = api.coord([x, api.value(3)]), low = api.value(2);
        var bottom = low === null || isNaN(low) ? [top[0], params.coordSys.y + params.coordSys.height]
                                                : api.coord([x, low]);
        function stroke(x1, y1, x2, y2) {
          return { type: "line", shape: { x1: x1, y1: y1, x2: x2, y2: y2 }, style: { stroke: hue, lineWidth: 1.5 } };
        }
        return { type: "group", children: [
          stroke(top[0], top[1], bottom[0], bottom[1]), stroke(top[0] - 4, top[1], top[0] + 4, top[1]),
          stroke(bottom[0] - 4, bottom[1], bottom[0] + 4, bottom[1])] };
      }
    };
  }

  draw.lines = function (data, theme) {
    var xs = [], ys = [], shapes = ["circle", "rect", "triangle", "diamond"];
    data.curves.forEach(function (curve) {
      curve.points.forEach(function (each) { xs.push(each[0]); ys.push.apply(ys, each.slice(1)); });
    });
    data.marks.forEach(function (each) { (each.on_x ? xs : ys).push(each.value); });
    var drawn = [];
    data.curves.forEach(function (curve, index) {
      var hue = theme.series[index % theme.series.length];
      var few = curve.points.length <= 30 && curve.style !== "steps";
      drawn.push({
        type: "line", name: curve.name, data: curve.points.map(function (each) { return each.slice(0, 2); }),
        step: curve.style === "steps" ? "end" : false, symbol: shapes[index % shapes.length], symbolSize: 7,
        showSymbol: few || curve.style === "points", itemStyle: { color: hue },
        lineStyle: { color: hue, width: curve.style === "points" ? 0 : 2,
                     type: curve.style === "dashed" ? "dashed" : "solid" },
        emphasis: { disabled: true }, markLine: index === 0 && data.marks.length ? markLines(data.marks, theme, "end")
                                                                                 : undefined
      });
      if (curve.points.some(function (each) { return each.length === 4; })) drawn.push(errorBars(curve, theme, hue));
    });
    var names = data.curves.map(function (curve) { return curve.name; });
    var hasLegend = names.length > 1 || (names.length === 1 && names[0] !== "");
    var onTop = data.marks.some(function (each) { return each.on_x; });
    var share = !data.y.log && ys.length && Math.max.apply(null, ys) === 1 && Math.min.apply(null, ys) >= 0;
    var lengths = ys.filter(function (each) { return each !== null; }).map(function (each) { return number(each); });
    return {
      height: 380,
      option: frame(theme, {
        grid: { left: Math.max(40, widest(lengths, 70)) + 34, right: 30,
                top: (hasLegend ? 34 : 12) + (onTop ? 18 : 0), bottom: 52 },
        legend: hasLegend ? legend(names, theme) : undefined,
        xAxis: valueAxis(data.x, theme, Object.assign({ nameGap: 30, scale: true }, data.x.log ? decades(xs) : {})),
        yAxis: valueAxis(data.y, theme, Object.assign({ nameGap: Math.max(40, widest(lengths, 70)) + 10 },
                                                      share ? { max: 1 } : {}, data.y.log ? decades(ys) : {})),
        tooltip: Object.assign(frame(theme).tooltip, { trigger: "axis", formatter: function (hovers) {
          var shown = hovers.filter(function (each) { return each.componentSubType === "line"; });
          if (!shown.length) return "";
          return escaped(withUnit(shown[0].value[0], data.x)) + shown.map(function (each) {
            return "<br>" + each.marker + escaped(each.seriesName) + " <b>" +
                   escaped(withUnit(each.value[1], data.y)) + "</b>";
          }).join("");
        } }),
        series: drawn
      })
    };
  };

  draw.bars = function (data, theme) {
    var width = widest(data.bars, 300);
    var names = data.segments.map(function (part) { return part.name; });
    return {
      height: 96 + 34 * Math.max(1, data.bars.length),
      option: frame(theme, {
        grid: { left: width + 14, right: 24, top: 34, bottom: 46 },
        legend: legend(names, theme),
        xAxis: valueAxis(data.scale, theme, { nameGap: 28 }),
        yAxis: nameAxis(data.bars, width, theme),
        tooltip: Object.assign(frame(theme).tooltip, { trigger: "axis", axisPointer: { type: "shadow" },
          formatter: function (hovers) {
            var sum = hovers.reduce(function (made, each) { return made + (each.value || 0); }, 0);
            return escaped(data.bars[hovers[0].dataIndex]) + ": <b>" + escaped(withUnit(sum, data.scale)) + "</b>" +
                   hovers.map(function (each) {
                     return "<br>" + each.marker + escaped(each.seriesName) + " " +
                            escaped(withUnit(each.value, data.scale)) +
                            (sum ? " (" + number(Math.round(1000 * each.value / sum) / 10) + " %)" : "");
                   }).join("");
          } }),
        series: data.segments.map(function (part) {
          return { type: "bar", stack: "all", name: part.name, data: part.lengths, barMaxWidth: 22,
                   itemStyle: { borderColor: theme.paper, borderWidth: 1 }, emphasis: { disabled: true } };
        })
      })
    };
  };

  draw.histogram = function (data, theme) {
    var edges = data.bins.reduce(function (made, each) { return made.concat([each[0], each[1]]); }, []);
    var range = data.scale.log ? decades(edges)
                               : edges.length ? { min: Math.min.apply(null, edges), max: Math.max.apply(null, edges) }
                                              : {};
    return {
      height: 320,
      option: frame(theme, {
        grid: { left: 74, right: 24, top: 12, bottom: 52 },
        xAxis: valueAxis(data.scale, theme, Object.assign({ nameGap: 30, splitLine: { show: false } }, range)),
        yAxis: valueAxis({ title: "count", unit: "", log: false }, theme, { nameGap: 50, minInterval: 1 }),
        tooltip: Object.assign(frame(theme).tooltip, { formatter: function (hover) {
          return number(hover.value[0]) + " to " + escaped(withUnit(hover.value[1], data.scale)) + ": <b>" +
                 number(hover.value[2]) + "</b>";
        } }),
        series: [{ type: "custom", encode: { x: [0, 1], y: 2 }, data: data.bins, clip: true,
                   renderItem: function (params, api) {
                     var a = api.coord([api.value(0), api.value(2)]), b = api.coord([api.value(1), 0]);
                     return { type: "rect",
                              shape: { x: a[0], y: a[1], width: Math.max(1, b[0] - a[0] - 1),
                                       height: Math.max(0, b[1] - a[1]) },
                              style: { fill: theme.series[0] } };
                   } }]
      })
    };
  };

  function fill(figure, themeName) {
    var place = figure.querySelector(".drawing");
    var data = JSON.parse(figure.querySelector("script").textContent);
    var made = draw[data.kind](data, themes[themeName]);
    var old = echarts.getInstanceByDom(place);
    if (old) old.dispose();
    place.style.height = made.height + "px";
    var chart = echarts.init(place, null, { renderer: "svg" });
    chart.setOption(made.option);
  }

  function drawAll(themeName) {
    var drawn = 0, figures = document.querySelectorAll("figure.chart");
    figures.forEach(function (figure) {
      try {
        fill(figure, themeName);
        if (figure.querySelectorAll("svg path").length > 0) ++drawn;
      } catch (problem) {
        ++errors;
        console.error(problem);
        var note = document.createElement("p");
        note.className = "missing";
        note.textContent = "This chart could not be drawn; its figures are below.";
        figure.querySelector(".drawing").replaceChildren(note);
        figure.querySelector("details").open = true;
      }
    });
    // What a test, or a reader in doubt, can look at.
    root.dataset.charts = drawn + "/" + figures.length;
    root.dataset.errors = String(errors);
    root.dataset.requests = String(performance.getEntriesByType("resource").length);
  }

  var preferred = window.matchMedia("(prefers-color-scheme: dark)");
  function show(name) {
    root.dataset.theme = name;
    drawAll(name);
    document.querySelector(".theme").textContent = name === "dark" ? "Light theme" : "Dark theme";
  }
  function copy(button) {
    var code = button.parentNode.querySelector("code"), range = document.createRange();
    range.selectNodeContents(code);
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
    var done = function () {
      button.textContent = "Copied";
      setTimeout(function () { button.textContent = "Copy"; }, 1500);
    };
    // From a file the clipboard may be closed; the selection still is there to be copied by hand.
    if (navigator.clipboard && window.isSecureContext)
      navigator.clipboard.writeText(code.textContent).then(done, function () { document.execCommand("copy") && done(); });
    else if (document.execCommand("copy")) done();
  }

  document.querySelector(".theme").addEventListener("click", function () {
    show(root.dataset.theme === "dark" ? "light" : "dark");
  });
  document.querySelectorAll(".copy").forEach(function (button) {
    button.addEventListener("click", function () { copy(button); });
  });
  preferred.addEventListener("change", function () { show(preferred.matches ? "dark" : "light"); });
  window.addEventListener("resize", function () {
    document.querySelectorAll(".drawing").forEach(function (place) {
      var chart = echarts.getInstanceByDom(place);
      if (chart) chart.resize();
    });
  });
  var before = "light";
  window.addEventListener("beforeprint", function () { before = root.dataset.theme; show("light"); });
  window.addEventListener("afterprint", function () { show(before); });
  show(preferred.matches ? "dark" : "light");
})();
