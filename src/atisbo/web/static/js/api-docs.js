SwaggerUIBundle({
  url: document.querySelector("#reference").dataset.url,
  domNode: document.querySelector("#reference"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  syntaxHighlight: { activated: false },
});
